-- attach: how rules stay on a table they have never seen

CREATE FUNCTION govcase.case_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_case_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.case_columns() IS
'carrier of a protection: says which columns of a case table bear which roles; never fires';

CREATE FUNCTION govcase.link_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_link_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.link_columns() IS
'carrier of a protection: says which columns of a follow-up table are which parts of a link; never fires';

CREATE FUNCTION govcase.protected_columns(
	protected regclass,
	OUT cases regclass, OUT links regclass, OUT policy text, OUT role text,
	OUT case_column name, OUT link_column name, OUT ordinal integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_protected_columns'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.protected_columns(regclass) IS
'columns of a protected table and of its follow-up table, by role';

CREATE FUNCTION govcase.trigger_arguments(trigger_oid oid)
RETURNS text[]
AS 'MODULE_PATHNAME', 'govcase_trigger_arguments'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.trigger_arguments(oid) IS
'arguments of a trigger as text';
