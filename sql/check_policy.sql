-- check_policy: the model checker.  What counts as a problem is said in the
-- comments of src/check_policy.c and in design section 4.

CREATE FUNCTION govcase.check_policy(
	name pg_catalog.text,
	OUT problem pg_catalog.text,
	OUT fatal pg_catalog.bool,
	OUT detail pg_catalog.text,
	OUT path pg_catalog.text
) RETURNS SETOF pg_catalog.record
	AS 'MODULE_PATHNAME', 'govcase_check_policy'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	COST 1000 ROWS 10;

COMMENT ON FUNCTION govcase.check_policy(pg_catalog.text) IS
	'problems of a policy''s working copy: unreachable sources, impossible moves, dead ends, pairs without an end, broken promises with the offending path; no rows for a sound policy';

CREATE FUNCTION govcase.policy_pairs(
	name pg_catalog.text,
	OUT state govcase.case_state,
	OUT risk govcase.risk_level,
	OUT way_in pg_catalog.text,
	OUT way_out pg_catalog.text
) RETURNS SETOF pg_catalog.record
	AS 'MODULE_PATHNAME', 'govcase_policy_pairs'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	COST 1000 ROWS 20;

COMMENT ON FUNCTION govcase.policy_pairs(pg_catalog.text) IS
	'each state and risk that a case under a policy''s working copy can be in, with a shortest way there and a shortest way to an end (null: there is none)';
