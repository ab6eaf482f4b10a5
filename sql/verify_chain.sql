-- verify_chain: do the stored chains still say what was appended?

CREATE FUNCTION govcase.chain_summary_add(internal, VARIADIC "any")
RETURNS internal
AS 'MODULE_PATHNAME', 'govcase_chain_summary_add'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION govcase.chain_summary_add(internal, "any") IS
'transition function of chain_summary';

CREATE FUNCTION govcase.chain_summary_combine(internal, internal)
RETURNS internal
AS 'MODULE_PATHNAME', 'govcase_chain_summary_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION govcase.chain_summary_combine(internal, internal) IS
'combine function of chain_summary';

CREATE FUNCTION govcase.chain_summary_bytes(internal)
RETURNS bytea
AS 'MODULE_PATHNAME', 'govcase_chain_summary_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.chain_summary_bytes(internal) IS
'final and serialisation function of chain_summary';

CREATE FUNCTION govcase.chain_summary_from_bytes(bytea, internal)
RETURNS internal
AS 'MODULE_PATHNAME', 'govcase_chain_summary_from_bytes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.chain_summary_from_bytes(bytea, internal) IS
'deserialisation function of chain_summary';

CREATE AGGREGATE govcase.chain_summary(VARIADIC "any") (
	SFUNC = govcase.chain_summary_add,
	STYPE = internal,
	SSPACE = 256,
	COMBINEFUNC = govcase.chain_summary_combine,
	SERIALFUNC = govcase.chain_summary_bytes,
	DESERIALFUNC = govcase.chain_summary_from_bytes,
	FINALFUNC = govcase.chain_summary_bytes,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.chain_summary("any") IS
'checks the links of one chain in any order; over the key columns and every other column of a link; for verify_chain';

CREATE FUNCTION govcase.chain_is_sound(
	summary bytea, chain_set uuid, state govcase.case_state, risk govcase.risk_level)
RETURNS boolean
AS 'MODULE_PATHNAME', 'govcase_chain_is_sound'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION govcase.chain_is_sound(bytea, uuid, govcase.case_state, govcase.risk_level) IS
'whether a chain_summary is that of a whole chain which leaves its case in this state and risk';

CREATE FUNCTION govcase.sound_links_add(
	bigint, cases regclass, state govcase.case_state, risk govcase.risk_level,
	VARIADIC key "any")
RETURNS bigint
AS 'MODULE_PATHNAME', 'govcase_sound_links_add'
LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION govcase.sound_links_add(bigint, regclass, govcase.case_state, govcase.risk_level, "any") IS
'transition function of sound_links';

CREATE FUNCTION govcase.sound_links_combine(bigint, bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'govcase_sound_links_combine'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.sound_links_combine(bigint, bigint) IS
'combine function of sound_links';

CREATE AGGREGATE govcase.sound_links(
	regclass, govcase.case_state, govcase.risk_level, VARIADIC "any") (
	SFUNC = govcase.sound_links_add,
	STYPE = bigint,
	INITCOND = '0',
	COMBINEFUNC = govcase.sound_links_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.sound_links(regclass, govcase.case_state, govcase.risk_level, "any") IS
'number of links of the cases'' chains, -1 where one is not whole or does not lead to the case''s state and risk; over the case table, state, risk and key columns; for verify_chain';

CREATE FUNCTION govcase.verify_chain(
	protected regclass,
	OUT case_key text, OUT seq bigint, OUT problem text, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_verify_chain'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10;
COMMENT ON FUNCTION govcase.verify_chain(regclass) IS
'what is wrong with the chains of a protected table: broken links, cases without a chain, chains without a case; no row: nothing';

CREATE FUNCTION govcase.verify_chain(
	protected regclass, key "any",
	OUT case_key text, OUT seq bigint, OUT problem text, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_verify_chain'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10;
COMMENT ON FUNCTION govcase.verify_chain(regclass, "any") IS
'what is wrong with the chain of one case; no row: nothing';

CREATE FUNCTION govcase.export_chain(
	protected regclass, key "any", OUT place integer, OUT line text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_export_chain'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 30;
COMMENT ON FUNCTION govcase.export_chain(regclass, "any") IS
'the chain of one case as lines of text that can be verified outside the server';
