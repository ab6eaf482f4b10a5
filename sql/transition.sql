-- transition: row triggers on cases

CREATE FUNCTION govcase.register_case()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_register_case'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.register_case() IS
'trigger: checks that a case may begin as it does and writes its registration link';

CREATE FUNCTION govcase.check_transition()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_check_transition'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.check_transition() IS
'trigger: checks a change of state, risk or role against the policy and writes the transition link';

CREATE FUNCTION govcase.keep_case()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_case'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_case() IS
'trigger: refuses DELETE and TRUNCATE of cases that have a chain';

CREATE FUNCTION govcase.begin_history(cases regclass)
RETURNS void
AS 'MODULE_PATHNAME', 'govcase_begin_history'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.begin_history(regclass) IS
'until the (sub)transaction ends, lets cases be inserted in any pair that the policy reaches';

CREATE FUNCTION govcase.check_existing(cases regclass, OUT case_key text, OUT problem text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_check_existing'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.check_existing(regclass) IS
'rows of a protected table that its policy would not have let in, with what is wrong';

CREATE FUNCTION govcase.register_existing(cases regclass, accepted boolean DEFAULT false)
RETURNS bigint
AS 'MODULE_PATHNAME', 'govcase_register_existing'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.register_existing(regclass, boolean) IS
'registers the rows of a protected table, or of a partition, that have no registration yet';
