-- resolution_rate: how many cases were resolved, of how many

CREATE TYPE govcase.resolution;

CREATE FUNCTION govcase.resolution_in(pg_catalog.cstring) RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_in(pg_catalog.cstring) IS 'text to resolution';

CREATE FUNCTION govcase.resolution_out(govcase.resolution) RETURNS pg_catalog.cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_out(govcase.resolution) IS 'resolution to text';

CREATE FUNCTION govcase.resolution_recv(pg_catalog.internal) RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_recv(pg_catalog.internal) IS 'bytes to resolution';

CREATE FUNCTION govcase.resolution_send(govcase.resolution) RETURNS pg_catalog.bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_send(govcase.resolution) IS 'resolution to bytes';

CREATE TYPE govcase.resolution (
	INPUT = govcase.resolution_in,
	OUTPUT = govcase.resolution_out,
	RECEIVE = govcase.resolution_recv,
	SEND = govcase.resolution_send,
	INTERNALLENGTH = 40,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE govcase.resolution IS
	'counts of resolved, transferred, open and voided cases; to be stored, sent and rolled up';

-- Accessors.

CREATE FUNCTION govcase.resolved(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_resolved' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolved(govcase.resolution) IS
	'cases that were resolved: assessed or closed';

CREATE FUNCTION govcase.transferred(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_transferred' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.transferred(govcase.resolution) IS
	'cases that were handled but not resolved here';

CREATE FUNCTION govcase.handled(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_handled' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.handled(govcase.resolution) IS
	'cases that were handled: resolved or transferred';

CREATE FUNCTION govcase.pending(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_pending' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.pending(govcase.resolution) IS
	'cases that are still open: collected to fed_back';

CREATE FUNCTION govcase.registered(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_registered' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.registered(govcase.resolution) IS
	'cases that count at all: handled or open, not voided';

CREATE FUNCTION govcase.voided(govcase.resolution) RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME', 'resolution_voided' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.voided(govcase.resolution) IS
	'entries that were voided; they count in no other figure';

CREATE FUNCTION govcase.rate(govcase.resolution) RETURNS pg_catalog.float8
	AS 'MODULE_PATHNAME', 'resolution_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.rate(govcase.resolution) IS
	'resolution rate: resolved of the handled, 0 to 1, NULL where none was handled';

CREATE FUNCTION govcase.resolved_share(govcase.resolution) RETURNS pg_catalog.float8
	AS 'MODULE_PATHNAME', 'resolution_resolved_share' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolved_share(govcase.resolution) IS
	'resolved of the registered, 0 to 1, NULL where none is registered';

CREATE FUNCTION govcase.handled_share(govcase.resolution) RETURNS pg_catalog.float8
	AS 'MODULE_PATHNAME', 'resolution_handled_share' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.handled_share(govcase.resolution) IS
	'handled of the registered, 0 to 1, NULL where none is registered';

-- Sums.

CREATE FUNCTION govcase.resolution_add(govcase.resolution, govcase.resolution)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_add(govcase.resolution, govcase.resolution) IS
	'implementation of + operator';

CREATE OPERATOR govcase.+ (
	LEFTARG = govcase.resolution,
	RIGHTARG = govcase.resolution,
	FUNCTION = govcase.resolution_add,
	COMMUTATOR = OPERATOR(govcase.+)
);
COMMENT ON OPERATOR govcase.+ (govcase.resolution, govcase.resolution) IS
	'add up two summaries';

CREATE FUNCTION govcase.resolution_subtract(govcase.resolution, govcase.resolution)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_subtract(govcase.resolution, govcase.resolution) IS
	'inverse transition function of rollup';

-- Equality, enough for DISTINCT, GROUP BY and UNION; summaries have no order.

CREATE FUNCTION govcase.resolution_equal(govcase.resolution, govcase.resolution)
	RETURNS pg_catalog.bool
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_equal(govcase.resolution, govcase.resolution) IS
	'implementation of = operator';

CREATE FUNCTION govcase.resolution_not_equal(govcase.resolution, govcase.resolution)
	RETURNS pg_catalog.bool
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_not_equal(govcase.resolution, govcase.resolution) IS
	'implementation of <> operator';

CREATE FUNCTION govcase.resolution_hash(govcase.resolution) RETURNS pg_catalog.int4
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_hash(govcase.resolution) IS 'hash';

CREATE FUNCTION govcase.resolution_hash_extended(govcase.resolution, pg_catalog.int8)
	RETURNS pg_catalog.int8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_hash_extended(govcase.resolution, pg_catalog.int8) IS
	'hash with a seed';

CREATE OPERATOR govcase.= (
	LEFTARG = govcase.resolution,
	RIGHTARG = govcase.resolution,
	FUNCTION = govcase.resolution_equal,
	COMMUTATOR = OPERATOR(govcase.=),
	NEGATOR = OPERATOR(govcase.<>),
	RESTRICT = pg_catalog.eqsel,
	JOIN = pg_catalog.eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR govcase.= (govcase.resolution, govcase.resolution) IS 'equal';

CREATE OPERATOR govcase.<> (
	LEFTARG = govcase.resolution,
	RIGHTARG = govcase.resolution,
	FUNCTION = govcase.resolution_not_equal,
	COMMUTATOR = OPERATOR(govcase.<>),
	NEGATOR = OPERATOR(govcase.=),
	RESTRICT = pg_catalog.neqsel,
	JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR govcase.<> (govcase.resolution, govcase.resolution) IS 'not equal';

CREATE OPERATOR FAMILY govcase.resolution_hash_ops USING hash;
COMMENT ON OPERATOR FAMILY govcase.resolution_hash_ops USING hash IS
	'equality of summaries';

CREATE OPERATOR CLASS govcase.resolution_hash_ops
	DEFAULT FOR TYPE govcase.resolution USING hash FAMILY govcase.resolution_hash_ops AS
	OPERATOR 1 govcase.= (govcase.resolution, govcase.resolution),
	FUNCTION 1 govcase.resolution_hash(govcase.resolution),
	FUNCTION 2 govcase.resolution_hash_extended(govcase.resolution, pg_catalog.int8);
COMMENT ON OPERATOR CLASS govcase.resolution_hash_ops USING hash IS
	'equality of summaries';

-- Aggregates.  All share one state, a resolution that is changed in place; being
-- no internal type, it can leave the server as a partial result.

CREATE FUNCTION govcase.resolution_accumulate(govcase.resolution, govcase.case_state)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_accumulate(govcase.resolution, govcase.case_state) IS
	'transition function of resolution_summary and resolution_rate';

CREATE FUNCTION govcase.resolution_remove(govcase.resolution, govcase.case_state)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_remove(govcase.resolution, govcase.case_state) IS
	'inverse transition function of resolution_summary and resolution_rate';

CREATE FUNCTION govcase.resolution_accumulate(govcase.resolution, pg_catalog.bool)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME', 'resolution_accumulate_boolean'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_accumulate(govcase.resolution, pg_catalog.bool) IS
	'transition function of resolution_rate';

CREATE FUNCTION govcase.resolution_remove(govcase.resolution, pg_catalog.bool)
	RETURNS govcase.resolution
	AS 'MODULE_PATHNAME', 'resolution_remove_boolean'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.resolution_remove(govcase.resolution, pg_catalog.bool) IS
	'inverse transition function of resolution_rate';

CREATE AGGREGATE govcase.resolution_summary(govcase.case_state) (
	SFUNC = govcase.resolution_accumulate,
	STYPE = govcase.resolution,
	INITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	COMBINEFUNC = govcase.resolution_add,
	MSFUNC = govcase.resolution_accumulate,
	MINVFUNC = govcase.resolution_remove,
	MSTYPE = govcase.resolution,
	MINITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.resolution_summary(govcase.case_state) IS
	'counts of resolved, transferred, open and voided cases; NULL states are skipped';

CREATE AGGREGATE govcase.rollup(govcase.resolution) (
	SFUNC = govcase.resolution_add,
	STYPE = govcase.resolution,
	INITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	COMBINEFUNC = govcase.resolution_add,
	MSFUNC = govcase.resolution_add,
	MINVFUNC = govcase.resolution_subtract,
	MSTYPE = govcase.resolution,
	MINITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.rollup(govcase.resolution) IS
	'the summary of all cases that the given summaries cover';

CREATE AGGREGATE govcase.resolution_rate(govcase.case_state) (
	SFUNC = govcase.resolution_accumulate,
	STYPE = govcase.resolution,
	INITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	FINALFUNC = govcase.rate,
	COMBINEFUNC = govcase.resolution_add,
	MSFUNC = govcase.resolution_accumulate,
	MINVFUNC = govcase.resolution_remove,
	MSTYPE = govcase.resolution,
	MINITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	MFINALFUNC = govcase.rate,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.resolution_rate(govcase.case_state) IS
	'resolution rate: resolved of the handled, 0 to 1, NULL where none was handled';

CREATE AGGREGATE govcase.resolution_rate(pg_catalog.bool) (
	SFUNC = govcase.resolution_accumulate,
	STYPE = govcase.resolution,
	INITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	FINALFUNC = govcase.rate,
	COMBINEFUNC = govcase.resolution_add,
	MSFUNC = govcase.resolution_accumulate,
	MINVFUNC = govcase.resolution_remove,
	MSTYPE = govcase.resolution,
	MINITCOND = 'resolved=0 transferred=0 open=0 voided=0',
	MFINALFUNC = govcase.rate,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.resolution_rate(pg_catalog.bool) IS
	'resolution rate: true of the true and false, 0 to 1; NULL means not handled';

CREATE FUNCTION govcase.percent(rate pg_catalog.float8, digits pg_catalog.int4 DEFAULT 1)
	RETURNS pg_catalog.text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.percent(pg_catalog.float8, pg_catalog.int4) IS
	'a share or a change as people read it: 0.962 is 96.2%; half rounds away from zero';
