-- overdue: the terms of a policy and who is late under them

CREATE FUNCTION govcase.overdue(
	cases regclass, at timestamptz DEFAULT pg_catalog.now(),
	OUT case_key text, OUT state govcase.case_state, OUT risk govcase.risk_level,
	OUT reason text, OUT last_at timestamptz, OUT due_at timestamptz,
	OUT overdue_by interval)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_overdue'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION govcase.overdue(regclass, timestamptz) IS
'cases that were due before a time under a term of their policy, and why: stay (too long in the state) or contact (too long without one); highest risk first, then longest delay';

CREATE FUNCTION govcase.next_due(
	cases regclass,
	OUT case_key text, OUT state govcase.case_state, OUT risk govcase.risk_level,
	OUT reason text, OUT last_at timestamptz, OUT due_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_next_due'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000;
COMMENT ON FUNCTION govcase.next_due(regclass) IS
'what is due first of each case that a term of the policy applies to, and when';

CREATE FUNCTION govcase.next_due(
	cases regclass, key "any",
	OUT case_key text, OUT state govcase.case_state, OUT risk govcase.risk_level,
	OUT reason text, OUT last_at timestamptz, OUT due_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_next_due_of_case'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 1;
COMMENT ON FUNCTION govcase.next_due(regclass, "any") IS
'what is due first of one case, and when; no row where no term applies to it';

CREATE FUNCTION govcase.due_query(cases regclass)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_due_query'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION govcase.due_query(regclass) IS
'the query that overdue() runs on a table, $1 being the time, to be explained; null where its policy has no terms';

CREATE FUNCTION govcase.term_states(cases regclass)
RETURNS govcase.case_state[]
AS 'MODULE_PATHNAME', 'govcase_term_states'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION govcase.term_states(regclass) IS
'states in which some term of a table''s policy applies; null where it has no terms';

CREATE FUNCTION govcase.term_index_meaning(cases regclass)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_term_index_meaning'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION govcase.term_index_meaning(regclass) IS
'the comment on the index that create_term_index() would make on a table, by which it is known again';

CREATE FUNCTION govcase.term_index(cases regclass, OUT index regclass, OUT meaning text)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.indexrelid, d.description
	FROM pg_index x
		JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = x.indexrelid
			AND d.objsubid = 0
	WHERE x.indrelid = cases AND d.description LIKE 'govcase: cases that a term may apply to, %'
$$;
COMMENT ON FUNCTION govcase.term_index(regclass) IS
'the index that create_term_index() made on a table, told by its comment, which says for which states it is';

CREATE FUNCTION govcase.drop_term_index(cases regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present regclass;
BEGIN
	FOR present IN SELECT i.index FROM govcase.term_index(cases) i LOOP
		EXECUTE format('DROP INDEX %s', present);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.drop_term_index(regclass) IS
'drops the index that create_term_index() made on a table';

CREATE FUNCTION govcase.create_term_index(cases regclass)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	root regclass;
	states govcase.case_state[];
	facts record;
	wanted text;
	present regclass;
	stem text;
	index_name text;
	number integer := 0;
BEGIN
	PERFORM govcase.require_own_table(cases);
	SELECT p.cases INTO root FROM govcase.protected_columns(cases) p LIMIT 1;
	states := govcase.term_states(root);
	IF states IS NULL THEN
		PERFORM govcase.drop_term_index(root);
		RETURN NULL;
	END IF;
	SELECT c.relname, n.nspname,
			(SELECT string_agg(format('%I', p.case_column), ', ' ORDER BY p.role DESC)
				FROM govcase.protected_columns(root) p WHERE p.role IN ('state', 'risk')) AS columns,
			(SELECT string_agg(format('%I', p.case_column), ', ' ORDER BY p.ordinal)
				FROM govcase.protected_columns(root) p WHERE p.role = 'key') AS keys,
			(SELECT p.case_column FROM govcase.protected_columns(root) p WHERE p.role = 'state') AS state
		INTO facts
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = root;

	wanted := govcase.term_index_meaning(root);
	SELECT i.index INTO present FROM govcase.term_index(root) i WHERE i.meaning = wanted;
	IF FOUND THEN
		RETURN present;
	END IF;
	PERFORM govcase.drop_term_index(root);

	stem := facts.relname;
	LOOP
		index_name := stem || '_govcase_terms' || coalesce(nullif(number, 0)::text, '');
		IF octet_length(index_name) > 63 THEN
			stem := left(stem, -1);
		ELSIF to_regclass(format('%I.%I', facts.nspname, index_name)) IS NOT NULL THEN
			number := number + 1;
		ELSE
			EXIT;
		END IF;
	END LOOP;
	-- With the key, so that the cases themselves need not be read.
	EXECUTE format('CREATE INDEX %I ON %s (%s) INCLUDE (%s) WHERE %I OPERATOR(govcase.=) ANY (%L::govcase.case_state[])',
		index_name, root, facts.columns, facts.keys, facts.state, states);
	EXECUTE format('COMMENT ON INDEX %I.%I IS %L', facts.nspname, index_name, wanted);
	RETURN format('%I.%I', facts.nspname, index_name)::regclass;
END
$$;
COMMENT ON FUNCTION govcase.create_term_index(regclass) IS
'makes the partial index from which overdue() takes its cases, or makes it anew where the policy''s terms now apply in other states; without terms, drops it and returns null';
