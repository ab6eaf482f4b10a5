-- registry_purge: erases what is personal in cases that ended long ago

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('purge', 61, NULL, $script$
/*
 * All that is personal and belongs to something that ends.  Not in it: what the
 * departments' records say (element_detail), which each import brings up to date,
 * and who is behind an account (account_person).
 */
CREATE OR REPLACE FUNCTION purged_columns(OUT relation text, OUT column_name text, OUT subject text,
	OUT parent text, OUT key text, OUT filled text, OUT emptied text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
	SELECT c.relation, c.column_name, c.subject, c.parent, c.key,
		coalesce(c.filled, format('t.%I IS NOT NULL', c.column_name)), coalesce(c.emptied, 'NULL')
	FROM (VALUES
		('dispute', 'reason', 'dispute', NULL, 't.id', NULL, NULL),
		('dispute_detail', 'title', 'dispute', NULL, 't.dispute', NULL, NULL),
		('dispute_detail', 'narrative', 'dispute', NULL, 't.dispute', NULL, NULL),
		('dispute_detail', 'place', 'dispute', NULL, 't.dispute', NULL, NULL),
		('dispute_party', 'name', 'dispute', NULL, 't.dispute', NULL, NULL),
		('dispute_party', 'phone', 'dispute', NULL, 't.dispute', NULL, NULL),
		('dispute_party', 'person_digest', 'dispute', NULL, 't.dispute', NULL, NULL),
		('assignment', 'reason', 'dispute', NULL, 't.dispute', NULL, NULL),
		('agreement_detail', 'terms', 'dispute', 'agreement', 'p.dispute', NULL, NULL),
		('conference_detail', 'decision', 'dispute', 'conference', 'p.dispute', NULL, NULL),
		('attachment', 'uri', 'dispute', NULL, 't.dispute', NULL, NULL),
		('attachment', 'sha256', 'dispute', NULL, 't.dispute', NULL, NULL),
		-- An extension has to have a reason; so it is left empty, not null.
		('deadline', 'reason', 'dispute', NULL, 't.dispute', 't.reason <> ''''', ''''''),
		('deadline', 'reason', 'petition', NULL, 't.petition', 't.reason <> ''''', ''''''),
		-- redact() empties notes; the one that it leaves is ours.
		('follow_up', 'note', 'dispute', NULL, 't.id',
			't.note IS NOT NULL AND (t.kind, t.target_seq IS NULL, t.note) <> (''redaction'', true, ''term of keeping has ended'')',
			NULL),
		('petition_person', 'name', 'petition', NULL, 't.petition', NULL, NULL),
		('petition_person', 'person_digest', 'petition', NULL, 't.petition', NULL, NULL),
		('matter', 'reason', 'matter', NULL, 't.id', NULL, NULL),
		('matter', 'salt', 'matter', NULL, 't.id', NULL, NULL),
		('matter', 'digest', 'matter', NULL, 't.id', NULL, NULL),
		('matter_detail', 'content', 'matter', NULL, 't.matter', NULL, NULL),
		('matter_detail', 'place', 'matter', NULL, 't.matter', NULL, NULL),
		('matter_detail', 'reporter', 'matter', NULL, 't.matter', NULL, NULL),
		('import_reject', 'reason', 'import_run', NULL, 't.run', 't.reason <> ''''', ''''''),
		('import_reject', 'raw', 'import_run', NULL, 't.run', NULL, NULL)
	) AS c(relation, column_name, subject, parent, key, filled, emptied)
$$;
COMMENT ON FUNCTION purged_columns() IS
'columns that a purge empties, what they belong to, by which key, of theirs (t) or of their parent (p), when there is something in them, and what is left';

CREATE OR REPLACE FUNCTION purge_scope(OUT code text, OUT code_end text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path FROM CURRENT
AS $$
BEGIN
	IF pg_has_role(session_user, (SELECT c.relowner FROM pg_class c WHERE c.oid = 'dispute'::regclass), 'USAGE') THEN
		RETURN QUERY SELECT '000000000000', '999999999999';
		RETURN;
	END IF;
	RETURN QUERY SELECT r.code, r.code_end FROM duty_ranges('{admin}') r;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'only the owner of the registry and its admins may purge';
	END IF;
END
$$;
COMMENT ON FUNCTION purge_scope() IS
'ranges of region codes in which whoever is connected may purge: all for the owner, those of an admin''s duties';

/*
 * What has ended, and long enough ago, with something left in it.  A link that
 * says what was erased is no work on a case, and does not keep it.
 */
CREATE OR REPLACE FUNCTION due_for_purge(subject text, before timestamptz, at_most integer DEFAULT NULL,
	among text[] DEFAULT NULL, OUT id text, OUT last_at timestamptz) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path FROM CURRENT
AS $$
DECLARE
	key_type CONSTANT text := CASE subject WHEN 'matter' THEN 'uuid' ELSE 'bigint' END;
	ended CONSTANT text := $query$
		SELECT d.id, d.region, l.at
		FROM dispute d
			CROSS JOIN LATERAL (SELECT max(f.happened_at) AS at FROM follow_up f
				WHERE f.id = d.id AND f.kind <> 'redaction') AS l
		WHERE d.state IN ('closed', 'transferred', 'voided') AND NOT d.hold AND l.at < $1
			AND NOT EXISTS (SELECT FROM assignment a WHERE a.dispute = d.id AND a.state IN ('offered', 'accepted'))
			AND NOT EXISTS (SELECT FROM deadline t WHERE t.dispute = d.id AND t.met_on IS NULL)
			AND NOT EXISTS (SELECT FROM petition p JOIN deadline t ON t.petition = p.id
				WHERE p.dispute = d.id AND t.met_on IS NULL)$query$;
	found_in CONSTANT text := CASE subject
		WHEN 'dispute' THEN ended
		WHEN 'matter' THEN format('SELECT m.id, m.region, m.changed_at AS at FROM matter m '
			'WHERE m.state IN (''closed'', ''transferred'', ''voided'') AND m.changed_at < $1 '
			'AND (m.dispute IS NULL OR m.dispute IN (SELECT e.id FROM (%s) e))', ended)
		WHEN 'petition' THEN format('SELECT p.id, p.region, p.received_on::timestamptz AS at FROM petition p '
			'WHERE p.received_on < $1 '
			'AND NOT EXISTS (SELECT FROM deadline t WHERE t.petition = p.id AND (t.met_on IS NULL OR t.met_on >= $1)) '
			'AND (p.dispute IS NULL OR p.dispute IN (SELECT e.id FROM (%s) e))', ended)
		ELSE 'SELECT r.id, o.region, r.at FROM import_run r JOIN department o ON o.id = r.department '
			'WHERE r.at < $1' END;
	-- Those that still hold something.
	filled CONSTANT text := (SELECT string_agg(format('SELECT %s FROM %I t%s WHERE (%s)%s', f.key, f.relation,
			CASE WHEN f.parent IS NOT NULL THEN format(' JOIN %I p ON p.id = t.%1$I', f.parent) END, f.filled,
			CASE WHEN among IS NOT NULL THEN format(' AND %s = ANY ($3::%s[])', f.key, key_type) END), ' UNION ALL ')
		FROM (SELECT c.relation, c.parent, c.key, string_agg(c.filled, ' OR ') AS filled
			FROM purged_columns() c WHERE c.subject = due_for_purge.subject
			GROUP BY c.relation, c.parent, c.key) f);
BEGIN
	RETURN QUERY EXECUTE format('SELECT o.id::text, o.at FROM (%s) o WHERE o.id IN (%s) '
		'AND EXISTS (SELECT FROM purge_scope() p WHERE o.region BETWEEN p.code AND p.code_end) '
		'ORDER BY o.id LIMIT $2', found_in, filled)
	USING before, at_most, among;
END
$$;
COMMENT ON FUNCTION due_for_purge(text, timestamptz, integer, text[]) IS
'disputes, matters, petitions or imports (import_run) that ended before a time and still hold something personal, by id, with when they ended; before a purge: which files to delete';

CREATE OR REPLACE FUNCTION purge_each(before timestamptz, at_most integer, erase boolean,
	OUT relation text, OUT column_name text, OUT rows bigint, OUT oldest timestamptz, OUT newest timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	subject record;
	due text[];
	ended timestamptz[];
	target record;
	read_before CONSTANT timestamptz := now() - interval '90 days';
BEGIN
	FOR subject IN
		SELECT * FROM (VALUES (1, 'dispute', 'bigint'), (2, 'matter', 'uuid'), (3, 'petition', 'bigint'),
			(4, 'import_run', 'bigint')) AS x(n, name, key_type) ORDER BY x.n
	LOOP
		SELECT array_agg(d.id), array_agg(d.last_at) INTO due, ended
		FROM due_for_purge(subject.name, before, at_most) d;
		CONTINUE WHEN due IS NULL;
		IF erase THEN
			-- As transitions do; what came before us shows in the statement that follows.
			EXECUTE format('SELECT FROM %I x WHERE x.id = ANY ($1::%s[]) ORDER BY x.id FOR NO KEY UPDATE',
				subject.name, subject.key_type)
			USING due;
			SELECT array_agg(d.id), array_agg(d.last_at) INTO due, ended
			FROM due_for_purge(subject.name, before, NULL, due) d;
			CONTINUE WHEN due IS NULL;
		END IF;
		FOR target IN SELECT * FROM purged_columns() c WHERE c.subject = subject.name LOOP
			RETURN QUERY EXECUTE format('SELECT $3, $4, count(*), min(s.at), max(s.at) '
				'FROM unnest($1::%s[], $2) AS s(id, at) CROSS JOIN %I t%s WHERE %s = s.id AND %s HAVING count(*) > 0',
				subject.key_type, target.relation,
				CASE WHEN target.parent IS NOT NULL THEN format(' JOIN %I p ON p.id = t.%1$I', target.parent) END,
				target.key, target.filled)
			USING due, ended, target.relation, target.column_name;
		END LOOP;
		CONTINUE WHEN NOT erase;
		FOR target IN
			SELECT c.relation, c.parent, c.key, string_agg(format('%I = %s', c.column_name, c.emptied), ', ') AS changes,
				string_agg(c.filled, ' OR ') AS filled
			FROM purged_columns() c
			WHERE c.subject = subject.name AND c.relation <> 'follow_up'
			GROUP BY c.relation, c.parent, c.key
		LOOP
			EXECUTE format('UPDATE %I t SET %s FROM unnest($1::%s[]) AS s(id)%s WHERE %s = s.id AND (%s)%s',
				target.relation, target.changes, subject.key_type,
				CASE WHEN target.parent IS NOT NULL THEN format(' CROSS JOIN %I p', target.parent) END,
				target.key, target.filled,
				CASE WHEN target.parent IS NOT NULL THEN format(' AND p.id = t.%I', target.parent) END)
			USING due;
		END LOOP;
		IF subject.name = 'dispute' THEN
			EXECUTE (SELECT format('SELECT redact(''dispute''::regclass, n.id, NULL, ''term of keeping has ended'') '
					'FROM (SELECT DISTINCT t.id FROM unnest($1::bigint[]) AS s(id) JOIN follow_up t ON t.id = s.id '
					'WHERE %s ORDER BY t.id) n', c.filled)
				FROM purged_columns() c WHERE c.relation = 'follow_up')
			USING due;
			UPDATE dispute d SET purged_at = now() WHERE d.id = ANY (due::bigint[]);
		END IF;
	END LOOP;

	-- Notices that were read go after 90 days, whatever the term.
	RETURN QUERY SELECT 'notice', NULL::text, count(*), min(n.read_at), max(n.read_at)
	FROM notice n WHERE n.read_at < read_before HAVING count(*) > 0;
	IF erase THEN
		DELETE FROM notice n WHERE n.read_at < read_before;
	END IF;
END
$$;
COMMENT ON FUNCTION purge_each(timestamptz, integer, boolean) IS
'counts what is due to be purged, and purges it where told to erase; a column may come more than once';

CREATE OR REPLACE FUNCTION purge_limit(term interval) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF term IS NULL OR term < interval '0' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'term of a purge must be an interval that is not negative',
			DETAIL = format('It is %s.', coalesce(term::text, 'null'));
	END IF;
	RETURN now() - term;
END
$$;
COMMENT ON FUNCTION purge_limit(interval) IS
'the time before which something has to have ended to be purged after a term';

CREATE OR REPLACE FUNCTION purge_preview(term interval,
	OUT "table" text, OUT "column" text, OUT rows bigint, OUT oldest timestamptz, OUT newest timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM FROM purge_scope();
	RETURN QUERY SELECT e.relation, e.column_name, sum(e.rows)::bigint, min(e.oldest), max(e.newest)
	FROM purge_each(purge_limit(term), NULL, false) e
	GROUP BY 1, 2 ORDER BY e.relation COLLATE "C", e.column_name COLLATE "C";
END
$$;
COMMENT ON FUNCTION purge_preview(interval) IS
'what purge() would empty: in each column how many rows, of cases that ended when; no column: rows that would go';

CREATE OR REPLACE FUNCTION purge(term interval, at_most integer DEFAULT NULL,
	OUT "table" text, OUT "column" text, OUT rows bigint, OUT oldest timestamptz, OUT newest timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM FROM purge_scope();
	IF current_account() IS NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'nobody is known to act',
			DETAIL = 'Each chain that is purged says who did it.',
			HINT = 'Open a session, or connect as a role that is an account.';
	END IF;
	IF at_most < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'at_most must be at least 1',
			DETAIL = format('It is %s.', at_most);
	END IF;
	PERFORM require_read_committed('purge()');
	RETURN QUERY SELECT e.relation, e.column_name, sum(e.rows)::bigint, min(e.oldest), max(e.newest)
	FROM purge_each(purge_limit(term), at_most, true) e
	GROUP BY 1, 2 ORDER BY e.relation COLLATE "C", e.column_name COLLATE "C";
END
$$;
COMMENT ON FUNCTION purge(interval, integer) IS
'empties what is personal in cases whose last link, and what else ended, is older than a term: at most so many disputes, matters, petitions and imports; says in which columns, and nothing once all is done. Who, where and when stay, so that figures and chains stand';

-- Matters have no chain whose last link would say when they ended.
CREATE OR REPLACE FUNCTION note_matter_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	NEW.changed_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION note_matter_change() IS
'trigger: writes down when a matter came into its state';
$script$),

('matter changes', 64, 1, $script$
CREATE TRIGGER note_change BEFORE UPDATE ON matter FOR EACH ROW
	WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note_matter_change();
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{admin}', 'EXECUTE', 'FUNCTION purge_preview(interval), purge(interval, integer)');
