-- case_state: one byte, collected < assigned < ... < voided.

CREATE TYPE govcase.case_state;

CREATE FUNCTION govcase.case_state_in(cstring) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_out(govcase.case_state) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_recv(internal) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_send(govcase.case_state) RETURNS bytea
	AS 'MODULE_PATHNAME', 'label_code_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.case_state_in(cstring) IS 'I/O';
COMMENT ON FUNCTION govcase.case_state_out(govcase.case_state) IS 'I/O';
COMMENT ON FUNCTION govcase.case_state_recv(internal) IS 'I/O';
COMMENT ON FUNCTION govcase.case_state_send(govcase.case_state) IS 'I/O';

CREATE TYPE govcase.case_state (
	INPUT = govcase.case_state_in,
	OUTPUT = govcase.case_state_out,
	RECEIVE = govcase.case_state_recv,
	SEND = govcase.case_state_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);
COMMENT ON TYPE govcase.case_state IS 'where a case is in the closed loop, from collected to closed; reads English and Chinese labels';

-- Comparison.  It sees two bytes and cannot fail: LEAKPROOF, so that an index
-- serves under row security too.

CREATE FUNCTION govcase.case_state_eq(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_ne(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_lt(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_le(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_gt(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_ge(govcase.case_state, govcase.case_state) RETURNS boolean
	AS 'MODULE_PATHNAME', 'label_code_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_cmp(govcase.case_state, govcase.case_state) RETURNS integer
	AS 'MODULE_PATHNAME', 'label_code_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION govcase.case_state_eq(govcase.case_state, govcase.case_state) IS 'implementation of = operator';
COMMENT ON FUNCTION govcase.case_state_ne(govcase.case_state, govcase.case_state) IS 'implementation of <> operator';
COMMENT ON FUNCTION govcase.case_state_lt(govcase.case_state, govcase.case_state) IS 'implementation of < operator';
COMMENT ON FUNCTION govcase.case_state_le(govcase.case_state, govcase.case_state) IS 'implementation of <= operator';
COMMENT ON FUNCTION govcase.case_state_gt(govcase.case_state, govcase.case_state) IS 'implementation of > operator';
COMMENT ON FUNCTION govcase.case_state_ge(govcase.case_state, govcase.case_state) IS 'implementation of >= operator';
COMMENT ON FUNCTION govcase.case_state_cmp(govcase.case_state, govcase.case_state) IS 'less-equal-greater';

CREATE OPERATOR govcase.= (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_eq,
	COMMUTATOR = OPERATOR(govcase.=),
	NEGATOR = OPERATOR(govcase.<>),
	RESTRICT = pg_catalog.eqsel,
	JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
CREATE OPERATOR govcase.<> (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_ne,
	COMMUTATOR = OPERATOR(govcase.<>),
	NEGATOR = OPERATOR(govcase.=),
	RESTRICT = pg_catalog.neqsel,
	JOIN = pg_catalog.neqjoinsel
);
CREATE OPERATOR govcase.< (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_lt,
	COMMUTATOR = OPERATOR(govcase.>),
	NEGATOR = OPERATOR(govcase.>=),
	RESTRICT = pg_catalog.scalarltsel,
	JOIN = pg_catalog.scalarltjoinsel
);
CREATE OPERATOR govcase.<= (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_le,
	COMMUTATOR = OPERATOR(govcase.>=),
	NEGATOR = OPERATOR(govcase.>),
	RESTRICT = pg_catalog.scalarlesel,
	JOIN = pg_catalog.scalarlejoinsel
);
CREATE OPERATOR govcase.> (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_gt,
	COMMUTATOR = OPERATOR(govcase.<),
	NEGATOR = OPERATOR(govcase.<=),
	RESTRICT = pg_catalog.scalargtsel,
	JOIN = pg_catalog.scalargtjoinsel
);
CREATE OPERATOR govcase.>= (
	LEFTARG = govcase.case_state,
	RIGHTARG = govcase.case_state,
	FUNCTION = govcase.case_state_ge,
	COMMUTATOR = OPERATOR(govcase.<=),
	NEGATOR = OPERATOR(govcase.<),
	RESTRICT = pg_catalog.scalargesel,
	JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR govcase.= (govcase.case_state, govcase.case_state) IS 'equal';
COMMENT ON OPERATOR govcase.<> (govcase.case_state, govcase.case_state) IS 'not equal';
COMMENT ON OPERATOR govcase.< (govcase.case_state, govcase.case_state) IS 'less than';
COMMENT ON OPERATOR govcase.<= (govcase.case_state, govcase.case_state) IS 'less than or equal';
COMMENT ON OPERATOR govcase.> (govcase.case_state, govcase.case_state) IS 'greater than';
COMMENT ON OPERATOR govcase.>= (govcase.case_state, govcase.case_state) IS 'greater than or equal';

-- Operator classes.

CREATE FUNCTION govcase.case_state_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'label_code_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_hash(govcase.case_state) RETURNS integer
	AS 'MODULE_PATHNAME', 'label_code_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_hash_extended(govcase.case_state, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'label_code_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.case_state_sortsupport(internal) IS 'sort support';
COMMENT ON FUNCTION govcase.case_state_hash(govcase.case_state) IS 'hash';
COMMENT ON FUNCTION govcase.case_state_hash_extended(govcase.case_state, bigint) IS 'hash with a seed';

CREATE OPERATOR FAMILY govcase.case_state_ops USING btree;
CREATE OPERATOR CLASS govcase.case_state_ops DEFAULT FOR TYPE govcase.case_state
	USING btree FAMILY govcase.case_state_ops AS
	OPERATOR 1 govcase.<,
	OPERATOR 2 govcase.<=,
	OPERATOR 3 govcase.=,
	OPERATOR 4 govcase.>=,
	OPERATOR 5 govcase.>,
	FUNCTION 1 govcase.case_state_cmp(govcase.case_state, govcase.case_state),
	FUNCTION 2 govcase.case_state_sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY govcase.case_state_ops USING btree IS 'order of case_state';
COMMENT ON OPERATOR CLASS govcase.case_state_ops USING btree IS 'order of case_state';

CREATE OPERATOR FAMILY govcase.case_state_ops USING hash;
CREATE OPERATOR CLASS govcase.case_state_ops DEFAULT FOR TYPE govcase.case_state
	USING hash FAMILY govcase.case_state_ops AS
	OPERATOR 1 govcase.=,
	FUNCTION 1 govcase.case_state_hash(govcase.case_state),
	FUNCTION 2 govcase.case_state_hash_extended(govcase.case_state, bigint);
COMMENT ON OPERATOR FAMILY govcase.case_state_ops USING hash IS 'equality of case_state';
COMMENT ON OPERATOR CLASS govcase.case_state_ops USING hash IS 'equality of case_state';

CREATE OPERATOR FAMILY govcase.case_state_minmax_ops USING brin;
CREATE OPERATOR CLASS govcase.case_state_minmax_ops DEFAULT FOR TYPE govcase.case_state
	USING brin FAMILY govcase.case_state_minmax_ops AS
	OPERATOR 1 govcase.<,
	OPERATOR 2 govcase.<=,
	OPERATOR 3 govcase.=,
	OPERATOR 4 govcase.>=,
	OPERATOR 5 govcase.>,
	FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR FAMILY govcase.case_state_minmax_ops USING brin IS 'ranges of case_state';
COMMENT ON OPERATOR CLASS govcase.case_state_minmax_ops USING brin IS 'ranges of case_state';

-- Least and greatest.

CREATE FUNCTION govcase.case_state_smaller(govcase.case_state, govcase.case_state) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME', 'label_code_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state_larger(govcase.case_state, govcase.case_state) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME', 'label_code_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.case_state_smaller(govcase.case_state, govcase.case_state) IS 'smaller of two';
COMMENT ON FUNCTION govcase.case_state_larger(govcase.case_state, govcase.case_state) IS 'larger of two';

CREATE AGGREGATE govcase.min(govcase.case_state) (
	SFUNC = govcase.case_state_smaller,
	STYPE = govcase.case_state,
	COMBINEFUNC = govcase.case_state_smaller,
	SORTOP = OPERATOR(govcase.<),
	PARALLEL = SAFE
);
CREATE AGGREGATE govcase.max(govcase.case_state) (
	SFUNC = govcase.case_state_larger,
	STYPE = govcase.case_state,
	COMBINEFUNC = govcase.case_state_larger,
	SORTOP = OPERATOR(govcase.>),
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.min(govcase.case_state) IS 'least case_state of all input values';
COMMENT ON AGGREGATE govcase.max(govcase.case_state) IS 'greatest case_state of all input values';

-- Casts.  Text is taken on assignment, so that drivers that bind strings work;
-- nothing casts in comparisons.

CREATE FUNCTION govcase.case_state(text) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME', 'case_state_from_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.case_state(integer) RETURNS govcase.case_state
	AS 'MODULE_PATHNAME', 'case_state_from_rank' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION govcase.int4(govcase.case_state) RETURNS integer
	AS 'MODULE_PATHNAME', 'case_state_rank' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.case_state(text) IS 'convert label, English or Chinese, to case_state';
COMMENT ON FUNCTION govcase.case_state(integer) IS 'convert rank, from 1, to case_state';
COMMENT ON FUNCTION govcase.int4(govcase.case_state) IS 'convert case_state to its rank, from 1';

CREATE CAST (text AS govcase.case_state) WITH FUNCTION govcase.case_state(text) AS ASSIGNMENT;
CREATE CAST (varchar AS govcase.case_state) WITH FUNCTION govcase.case_state(text) AS ASSIGNMENT;
CREATE CAST (integer AS govcase.case_state) WITH FUNCTION govcase.case_state(integer);
CREATE CAST (govcase.case_state AS integer) WITH FUNCTION govcase.int4(govcase.case_state);
COMMENT ON CAST (text AS govcase.case_state) IS 'label to case_state';
COMMENT ON CAST (varchar AS govcase.case_state) IS 'label to case_state';
COMMENT ON CAST (integer AS govcase.case_state) IS 'rank, from 1, to case_state';
COMMENT ON CAST (govcase.case_state AS integer) IS 'case_state to its rank, from 1';

-- Labels for people.

CREATE FUNCTION govcase.label(govcase.case_state, language text) RETURNS text
	AS 'MODULE_PATHNAME', 'case_state_label_in_language' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.label(govcase.case_state, text)
	IS 'label in a language: ''en'' English, ''zh'' Chinese';

CREATE FUNCTION govcase.case_states(
	OUT value govcase.case_state,
	OUT rank integer,
	OUT label_en text,
	OUT label_zh text,
	OUT meaning text
)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 9;
COMMENT ON FUNCTION govcase.case_states() IS 'each case_state with its rank, labels and meaning, in order';

-- Predicates.  SQL, so that the planner sees through them: an index on the state
-- serves is_open(state), and statistics of the column tell how many rows it has.

CREATE FUNCTION govcase.is_open(govcase.case_state) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(govcase.<=) 'fed_back'::govcase.case_state$$;
CREATE FUNCTION govcase.is_resolved(govcase.case_state) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(govcase.=) ANY ('{assessed,closed}'::govcase.case_state[])$$;
CREATE FUNCTION govcase.is_handled(govcase.case_state) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(govcase.=) ANY ('{assessed,closed,transferred}'::govcase.case_state[])$$;
CREATE FUNCTION govcase.is_final(govcase.case_state) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(govcase.=) 'voided'::govcase.case_state$$;
COMMENT ON FUNCTION govcase.is_open(govcase.case_state)
	IS 'collected, assigned, handling, supervised or fed_back';
COMMENT ON FUNCTION govcase.is_resolved(govcase.case_state) IS 'assessed or closed';
COMMENT ON FUNCTION govcase.is_handled(govcase.case_state) IS 'assessed, closed or transferred';
COMMENT ON FUNCTION govcase.is_final(govcase.case_state) IS 'voided, which no move leaves';

