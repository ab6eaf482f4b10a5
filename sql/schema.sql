-- govcase: the install script is put together from the parts in sql/.
-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION govcase CASCADE" to load this file. \quit

-- Whoever owns the schema can replace what is in it, so a schema that somebody
-- made beforehand must be the installer's own and empty.
DO $guard$
DECLARE
	found_owner pg_catalog.text;
	found_objects pg_catalog.int8;
BEGIN
	SELECT r.rolname::pg_catalog.text INTO found_owner
	FROM pg_catalog.pg_namespace n
		JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
	WHERE n.nspname OPERATOR(pg_catalog.=) 'govcase'::pg_catalog.name
		AND n.nspowner OPERATOR(pg_catalog.<>) (
			SELECT u.oid FROM pg_catalog.pg_roles u
			WHERE u.rolname OPERATOR(pg_catalog.=) CURRENT_USER)
		AND NOT (SELECT o.rolsuper FROM pg_catalog.pg_roles o
			WHERE o.oid OPERATOR(pg_catalog.=) n.nspowner);
	IF found_owner IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = 'schema "govcase" belongs to another role',
			DETAIL = pg_catalog.format('Its owner %s could replace the functions of the extension.', found_owner),
			HINT = 'Drop or rename the schema, or give it to the installing role.';
	END IF;

	SELECT pg_catalog.count(*) INTO found_objects
	FROM pg_catalog.pg_depend d
	WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
		AND d.refobjid OPERATOR(pg_catalog.=) (
			SELECT n.oid FROM pg_catalog.pg_namespace n
			WHERE n.nspname OPERATOR(pg_catalog.=) 'govcase'::pg_catalog.name)
		AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass;
	IF found_objects OPERATOR(pg_catalog.>) 0 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_schema',
			MESSAGE = 'schema "govcase" is not empty',
			DETAIL = pg_catalog.format('It holds %s objects.', found_objects),
			HINT = 'Move them elsewhere or drop them before creating the extension.';
	END IF;
END
$guard$;

GRANT USAGE ON SCHEMA govcase TO PUBLIC;
