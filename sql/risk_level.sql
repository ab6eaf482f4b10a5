-- risk_level: one byte, blue < yellow < orange < red.

CREATE TYPE govcase.risk_level;

CREATE FUNCTION govcase.risk_level_in(cstring) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_out(govcase.risk_level) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_recv(internal) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_send(govcase.risk_level) RETURNS bytea
	AS 'MODULE_PATHNAME', 'label_code_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.risk_level_in(cstring) IS 'I/O';
COMMENT ON FUNCTION govcase.risk_level_out(govcase.risk_level) IS 'I/O';
COMMENT ON FUNCTION govcase.risk_level_recv(internal) IS 'I/O';
COMMENT ON FUNCTION govcase.risk_level_send(govcase.risk_level) IS 'I/O';

CREATE TYPE govcase.risk_level (
	INPUT = govcase.risk_level_in,
	OUTPUT = govcase.risk_level_out,
	RECEIVE = govcase.risk_level_recv,
	SEND = govcase.risk_level_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE govcase.risk_level IS 'how risky a dispute is: blue < yellow < orange < red; reads English and Chinese labels';

-- Comparison.  It sees two bytes and cannot fail: LEAKPROOF, so that an index
-- serves under row security too.

CREATE FUNCTION govcase.risk_level_eq(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_ne(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_lt(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_le(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_gt(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_ge(govcase.risk_level, govcase.risk_level) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_cmp(govcase.risk_level, govcase.risk_level) RETURNS integer
	AS 'MODULE_PATHNAME', 'label_code_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION govcase.risk_level_eq(govcase.risk_level, govcase.risk_level) IS 'implementation of = operator';
COMMENT ON FUNCTION govcase.risk_level_ne(govcase.risk_level, govcase.risk_level) IS 'implementation of <> operator';
COMMENT ON FUNCTION govcase.risk_level_lt(govcase.risk_level, govcase.risk_level) IS 'implementation of < operator';
COMMENT ON FUNCTION govcase.risk_level_le(govcase.risk_level, govcase.risk_level) IS 'implementation of <= operator';
COMMENT ON FUNCTION govcase.risk_level_gt(govcase.risk_level, govcase.risk_level) IS 'implementation of > operator';
COMMENT ON FUNCTION govcase.risk_level_ge(govcase.risk_level, govcase.risk_level) IS 'implementation of >= operator';
COMMENT ON FUNCTION govcase.risk_level_cmp(govcase.risk_level, govcase.risk_level) IS 'less-equal-greater';

CREATE OPERATOR govcase.= (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_eq,
	COMMUTATOR = OPERATOR(govcase.=),
	NEGATOR = OPERATOR(govcase.<>),
	RESTRICT = pg_catalog.eqsel,
	JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
CREATE OPERATOR govcase.<> (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_ne,
	COMMUTATOR = OPERATOR(govcase.<>),
	NEGATOR = OPERATOR(govcase.=),
	RESTRICT = pg_catalog.neqsel,
	JOIN = pg_catalog.neqjoinsel
);
CREATE OPERATOR govcase.< (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_lt,
	COMMUTATOR = OPERATOR(govcase.>),
	NEGATOR = OPERATOR(govcase.>=),
	RESTRICT = pg_catalog.scalarltsel,
	JOIN = pg_catalog.scalarltjoinsel
);
CREATE OPERATOR govcase.<= (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_le,
	COMMUTATOR = OPERATOR(govcase.>=),
	NEGATOR = OPERATOR(govcase.>),
	RESTRICT = pg_catalog.scalarlesel,
	JOIN = pg_catalog.scalarlejoinsel
);
CREATE OPERATOR govcase.> (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_gt,
	COMMUTATOR = OPERATOR(govcase.<),
	NEGATOR = OPERATOR(govcase.<=),
	RESTRICT = pg_catalog.scalargtsel,
	JOIN = pg_catalog.scalargtjoinsel
);
CREATE OPERATOR govcase.>= (
	LEFTARG = govcase.risk_level,
	RIGHTARG = govcase.risk_level,
	FUNCTION = govcase.risk_level_ge,
	COMMUTATOR = OPERATOR(govcase.<=),
	NEGATOR = OPERATOR(govcase.<),
	RESTRICT = pg_catalog.scalargesel,
	JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR govcase.= (govcase.risk_level, govcase.risk_level) IS 'equal';
COMMENT ON OPERATOR govcase.<> (govcase.risk_level, govcase.risk_level) IS 'not equal';
COMMENT ON OPERATOR govcase.< (govcase.risk_level, govcase.risk_level) IS 'less than';
COMMENT ON OPERATOR govcase.<= (govcase.risk_level, govcase.risk_level) IS 'less than or equal';
COMMENT ON OPERATOR govcase.> (govcase.risk_level, govcase.risk_level) IS 'greater than';
COMMENT ON OPERATOR govcase.>= (govcase.risk_level, govcase.risk_level) IS 'greater than or equal';

-- Operator classes.

CREATE FUNCTION govcase.risk_level_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'label_code_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_hash(govcase.risk_level) RETURNS integer
	AS 'MODULE_PATHNAME', 'label_code_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_hash_extended(govcase.risk_level, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'label_code_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.risk_level_sortsupport(internal) IS 'sort support';
COMMENT ON FUNCTION govcase.risk_level_hash(govcase.risk_level) IS 'hash';
COMMENT ON FUNCTION govcase.risk_level_hash_extended(govcase.risk_level, bigint) IS 'hash with a seed';

CREATE OPERATOR FAMILY govcase.risk_level_ops USING btree;
CREATE OPERATOR CLASS govcase.risk_level_ops DEFAULT FOR TYPE govcase.risk_level
	USING btree FAMILY govcase.risk_level_ops AS
	OPERATOR 1 govcase.<,
	OPERATOR 2 govcase.<=,
	OPERATOR 3 govcase.=,
	OPERATOR 4 govcase.>=,
	OPERATOR 5 govcase.>,
	FUNCTION 1 govcase.risk_level_cmp(govcase.risk_level, govcase.risk_level),
	FUNCTION 2 govcase.risk_level_sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY govcase.risk_level_ops USING btree IS 'order of risk_level';
COMMENT ON OPERATOR CLASS govcase.risk_level_ops USING btree IS 'order of risk_level';

CREATE OPERATOR FAMILY govcase.risk_level_ops USING hash;
CREATE OPERATOR CLASS govcase.risk_level_ops DEFAULT FOR TYPE govcase.risk_level
	USING hash FAMILY govcase.risk_level_ops AS
	OPERATOR 1 govcase.=,
	FUNCTION 1 govcase.risk_level_hash(govcase.risk_level),
	FUNCTION 2 govcase.risk_level_hash_extended(govcase.risk_level, bigint);
COMMENT ON OPERATOR FAMILY govcase.risk_level_ops USING hash IS 'equality of risk_level';
COMMENT ON OPERATOR CLASS govcase.risk_level_ops USING hash IS 'equality of risk_level';

CREATE OPERATOR FAMILY govcase.risk_level_minmax_ops USING brin;
CREATE OPERATOR CLASS govcase.risk_level_minmax_ops DEFAULT FOR TYPE govcase.risk_level
	USING brin FAMILY govcase.risk_level_minmax_ops AS
	OPERATOR 1 govcase.<,
	OPERATOR 2 govcase.<=,
	OPERATOR 3 govcase.=,
	OPERATOR 4 govcase.>=,
	OPERATOR 5 govcase.>,
	FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR FAMILY govcase.risk_level_minmax_ops USING brin IS 'ranges of risk_level';
COMMENT ON OPERATOR CLASS govcase.risk_level_minmax_ops USING brin IS 'ranges of risk_level';

-- Least and greatest.

CREATE FUNCTION govcase.risk_level_smaller(govcase.risk_level, govcase.risk_level) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME', 'label_code_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level_larger(govcase.risk_level, govcase.risk_level) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME', 'label_code_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.risk_level_smaller(govcase.risk_level, govcase.risk_level) IS 'smaller of two';
COMMENT ON FUNCTION govcase.risk_level_larger(govcase.risk_level, govcase.risk_level) IS 'larger of two';

CREATE AGGREGATE govcase.min(govcase.risk_level) (
	SFUNC = govcase.risk_level_smaller,
	STYPE = govcase.risk_level,
	COMBINEFUNC = govcase.risk_level_smaller,
	SORTOP = OPERATOR(govcase.<),
	PARALLEL = SAFE
);
CREATE AGGREGATE govcase.max(govcase.risk_level) (
	SFUNC = govcase.risk_level_larger,
	STYPE = govcase.risk_level,
	COMBINEFUNC = govcase.risk_level_larger,
	SORTOP = OPERATOR(govcase.>),
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.min(govcase.risk_level) IS 'least risk_level of all input values';
COMMENT ON AGGREGATE govcase.max(govcase.risk_level) IS 'greatest risk_level of all input values';

-- Casts.  Text is taken on assignment, so that drivers that bind strings work;
-- nothing casts in comparisons.

CREATE FUNCTION govcase.risk_level(text) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME', 'risk_level_from_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.risk_level(integer) RETURNS govcase.risk_level
	AS 'MODULE_PATHNAME', 'risk_level_from_rank' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.int4(govcase.risk_level) RETURNS integer
	AS 'MODULE_PATHNAME', 'risk_level_rank' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.risk_level(text) IS 'convert label, English or Chinese, to risk_level';
COMMENT ON FUNCTION govcase.risk_level(integer) IS 'convert rank, from 1, to risk_level';
COMMENT ON FUNCTION govcase.int4(govcase.risk_level) IS 'convert risk_level to its rank, from 1';

CREATE CAST (text AS govcase.risk_level) WITH FUNCTION govcase.risk_level(text) AS ASSIGNMENT;
CREATE CAST (varchar AS govcase.risk_level) WITH FUNCTION govcase.risk_level(text) AS ASSIGNMENT;
CREATE CAST (integer AS govcase.risk_level) WITH FUNCTION govcase.risk_level(integer);
CREATE CAST (govcase.risk_level AS integer) WITH FUNCTION govcase.int4(govcase.risk_level);
COMMENT ON CAST (text AS govcase.risk_level) IS 'label to risk_level';
COMMENT ON CAST (varchar AS govcase.risk_level) IS 'label to risk_level';
COMMENT ON CAST (integer AS govcase.risk_level) IS 'rank, from 1, to risk_level';
COMMENT ON CAST (govcase.risk_level AS integer) IS 'risk_level to its rank, from 1';

-- Labels for people.

CREATE FUNCTION govcase.label(govcase.risk_level, language text) RETURNS text
	AS 'MODULE_PATHNAME', 'risk_level_label_in_language' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.label(govcase.risk_level, text)
	IS 'label in a language: ''en'' English, ''zh'' Chinese';

CREATE FUNCTION govcase.risk_levels(
	OUT value govcase.risk_level,
	OUT rank integer,
	OUT label_en text,
	OUT label_zh text,
	OUT meaning text
)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 4;
COMMENT ON FUNCTION govcase.risk_levels() IS 'each risk_level with its rank, labels and meaning, in order';

