-- registry_access: who acts in a registry, and who sees what

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('account functions', 20, NULL, $script$
/*
 * Who acts.  session_user alone is asked: current_user is the owner inside
 * functions that run as that, and SET ROLE is undone by whoever can inject SQL.
 */
CREATE OR REPLACE FUNCTION current_account() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	login account_login;
	acting text;
BEGIN
	SELECT l.* INTO login FROM account_login l WHERE l.db_role = session_user;
	CASE login.trust
		WHEN 'person' THEN
			acting := login.account;
		WHEN 'token' THEN
			acting := current_setting('govcase.token', true);
			IF acting !~ '^[0-9a-f]{64}$' THEN
				RETURN NULL;
			END IF;
			SELECT s.account INTO acting FROM account_session s
			WHERE s.digest = sha256(decode(acting, 'hex')) AND s.expires > statement_timestamp();
		WHEN 'vouched' THEN
			acting := current_setting('govcase.account', true);
		ELSE
			RETURN NULL;
	END CASE;
	SELECT a.id INTO acting FROM account a WHERE a.id = acting AND a.active;
	RETURN acting;
END
$$;
COMMENT ON FUNCTION current_account() IS
'account that acts, by the trust in the connected role: a person''s own, a token''s, or the one that govcase.account names; null where nobody is known to';

CREATE OR REPLACE FUNCTION open_session(account text, good_for interval DEFAULT '12 hours') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	-- Three random values of 122 bits each, condensed to 32 bytes.
	token CONSTANT bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
		|| uuid_send(gen_random_uuid()));
BEGIN
	IF good_for IS NULL OR good_for <= interval '0' OR good_for > interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a session is good for at most one day',
			DETAIL = format('It was asked to be good for %s.', coalesce(good_for::text, 'null'));
	END IF;
	PERFORM FROM account a WHERE a.id = open_session.account AND a.active;
	IF NOT FOUND THEN
		RAISE invalid_authorization_specification USING
			MESSAGE = 'no such account may act',
			HINT = 'It has to be in table account, and active.';
	END IF;
	DELETE FROM account_session s WHERE s.expires < clock_timestamp();
	INSERT INTO account_session (digest, account, expires)
	VALUES (sha256(token), open_session.account, clock_timestamp() + good_for);
	RETURN encode(token, 'hex');
END
$$;
COMMENT ON FUNCTION open_session(text, interval) IS
'issues a token for SET LOCAL govcase.token, to an application that has made sure who signs in; only its digest is kept';

CREATE OR REPLACE FUNCTION close_session(token text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF token !~ '^[0-9a-f]{64}$' THEN
		RETURN false;
	END IF;
	DELETE FROM account_session s WHERE s.digest = sha256(decode(token, 'hex'));
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION close_session(text) IS
'ends a session; false where there was none';

CREATE OR REPLACE FUNCTION has_duty(VARIADIC duties text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM account_duty d
		WHERE d.account = current_account() AND d.duty = ANY (duties) AND d.valid @> current_date);
END
$$;
COMMENT ON FUNCTION has_duty(text[]) IS
'whether the account that acts has one of these duties today';

CREATE OR REPLACE FUNCTION duty_ranges(duties text[], OUT code text, OUT code_end text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 1
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	WITH mine AS MATERIALIZED (
		SELECT DISTINCT r.code, r.code_end
		FROM account_duty d JOIN region r ON r.code = d.region
		WHERE d.account = current_account() AND d.duty = ANY (duties) AND d.valid @> current_date
	)
	SELECT m.code, m.code_end FROM mine m
	WHERE NOT EXISTS (SELECT FROM mine o
		WHERE o.code <= m.code AND o.code_end >= m.code_end AND (o.code, o.code_end) <> (m.code, m.code_end));
END
$$;
COMMENT ON FUNCTION duty_ranges(text[]) IS
'ranges of region codes in which the account that acts has one of these duties today, none inside another';

/*
 * The scope, in a form that indexes serve.  Policies ask for each once a
 * statement, in a sub-select.
 */
CREATE OR REPLACE FUNCTION scope_low() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN (SELECT CASE WHEN count(*) = 1 THEN min(r.code) END
		FROM duty_ranges('{member,centre,leader,inspector}') r);
END
$$;
COMMENT ON FUNCTION scope_low() IS
'first region code of the one range that the acting account works in; null where there are several, or none';

CREATE OR REPLACE FUNCTION scope_high() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN (SELECT CASE WHEN count(*) = 1 THEN max(r.code_end) END
		FROM duty_ranges('{member,centre,leader,inspector}') r);
END
$$;
COMMENT ON FUNCTION scope_high() IS
'last region code of the one range that the acting account works in; null where there are several, or none';

CREATE OR REPLACE FUNCTION scope_codes() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF (SELECT count(*) FROM duty_ranges('{member,centre,leader,inspector}')) <= 1 THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(SELECT r.code
		FROM duty_ranges('{member,centre,leader,inspector}') s
			JOIN region r ON r.code BETWEEN s.code AND s.code_end);
END
$$;
COMMENT ON FUNCTION scope_codes() IS
'codes of all regions that the acting account works in, where they make several ranges; null otherwise';

CREATE OR REPLACE FUNCTION my_departments() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT d.department FROM account_duty d
		WHERE d.account = current_account() AND d.duty = 'officer' AND d.valid @> current_date);
END
$$;
COMMENT ON FUNCTION my_departments() IS
'departments that the acting account is an officer of';

CREATE OR REPLACE FUNCTION my_import_departments() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT d.department FROM account_duty d
		WHERE d.account = current_account() AND d.duty = 'importer' AND d.valid @> current_date);
END
$$;
COMMENT ON FUNCTION my_import_departments() IS
'departments that the acting account is an importer of';

CREATE OR REPLACE FUNCTION administers(region text, department integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM duty_ranges('{admin}') a, region r
		WHERE r.code = coalesce(administers.region,
				(SELECT d.region FROM department d WHERE d.id = administers.department))
			AND r.code >= a.code AND r.code_end <= a.code_end);
END
$$;
COMMENT ON FUNCTION administers(text, integer) IS
'whether the acting account may give out duties in a region, or in a department of one';

CREATE OR REPLACE FUNCTION works_on(dispute bigint, duties text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM dispute d
		WHERE d.id = works_on.dispute
			AND (EXISTS (SELECT FROM duty_ranges(duties) r WHERE d.region BETWEEN r.code AND r.code_end)
				OR 'officer' = ANY (duties) AND d.departments && my_departments()));
END
$$;
COMMENT ON FUNCTION works_on(bigint, text[]) IS
'whether the acting account has one of these duties today for a dispute: in a region that it belongs to, or, as an officer, in a department that has it';

-- Volatile, so that it sees what the row is that an UPDATE has waited for.
CREATE OR REPLACE FUNCTION may_go_up_to(dispute bigint, region text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM dispute d JOIN region r ON d.region BETWEEN r.code AND r.code_end
		WHERE d.id = may_go_up_to.dispute AND r.code = may_go_up_to.region
			AND d.departments && my_departments());
END
$$;
COMMENT ON FUNCTION may_go_up_to(bigint, text) IS
'whether a dispute, which a department of the acting account has, is held so far by a region or by one within it: an officer leaves a case where it is, or takes it up';
$script$),

('searches', 21, NULL, $script$
/*
 * Operators on arrays and geometries are not leakproof, so that under row
 * security their indexes lie unused.  These run as the owner, and apply the scope.
 */
CREATE OR REPLACE FUNCTION find_elements(tags text[], region text) RETURNS SETOF element
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL RESTRICTED
SET search_path FROM CURRENT
AS $$
DECLARE
	low CONSTANT text := scope_low();
	high CONSTANT text := scope_high();
	codes CONSTANT text[] := scope_codes();
BEGIN
	RETURN QUERY SELECT e.* FROM element e
		JOIN region r ON r.code = find_elements.region AND e.region BETWEEN r.code AND r.code_end
	WHERE e.tags @> find_elements.tags
		AND (e.region BETWEEN low AND high OR e.region = ANY (codes));
END
$$;
COMMENT ON FUNCTION find_elements(text[], text) IS
'elements with all of these tags in a region, as far as the acting account works there';

CREATE OR REPLACE FUNCTION find_near(point @postgis@.geometry, metres double precision,
	OUT dispute bigint, OUT distance double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL RESTRICTED
SET search_path FROM CURRENT
AS $$
DECLARE
	low CONSTANT text := scope_low();
	high CONSTANT text := scope_high();
	codes CONSTANT text[] := scope_codes();
	officer_of CONSTANT integer[] := my_departments();
	on_globe CONSTANT boolean := (SELECT s.srtext LIKE 'GEOGCS%' FROM @postgis@.spatial_ref_sys s
		WHERE s.srid = @postgis@.ST_SRID(point));
	-- A box around the point that is never too small: a degree is at least 110,000 m long.
	height CONSTANT double precision := CASE WHEN on_globe THEN metres / 110000 ELSE metres END;
	width CONSTANT double precision := CASE WHEN NOT on_globe THEN metres
		WHEN abs(@postgis@.ST_Y(point)) + height < 89
			THEN least(height / cosd(abs(@postgis@.ST_Y(point)) + height), 360) ELSE 360 END;
	box CONSTANT @postgis@.geometry := @postgis@.ST_Expand(point, width, height);
BEGIN
	RETURN QUERY
	SELECT n.id, n.distance FROM (
		SELECT d.id, CASE WHEN on_globe
			THEN @postgis@.ST_Distance(p.place::@postgis@.geography, point::@postgis@.geography)
			ELSE @postgis@.ST_Distance(p.place, point) END AS distance
		FROM dispute_detail p JOIN dispute d ON d.id = p.dispute
		WHERE p.place OPERATOR(@postgis@.&&) box
			AND (d.region BETWEEN low AND high OR d.region = ANY (codes) OR d.departments && officer_of)
		) AS n
	WHERE n.distance <= metres
	ORDER BY n.distance, n.id;
END
$$;
COMMENT ON FUNCTION find_near(@postgis@.geometry, double precision) IS
'disputes that lie near a point and that the acting account may see, nearest first, with how many metres away';
$script$),

('row security', 30, 1, $script$
DO $$
DECLARE
	relation regclass;
	personal record;
BEGIN
	FOR relation IN SELECT c.oid FROM pg_class c
		WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
	END LOOP;
	-- EXPLAIN would tell a stored value from an absent one by its estimate.
	FOR personal IN
		SELECT c.oid::regclass AS relation, a.attname
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
			AND CASE WHEN obj_description(c.oid, 'pg_class') LIKE 'personal:%'
				THEN NOT EXISTS (SELECT FROM pg_constraint k
					WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f') AND a.attnum = ANY (k.conkey))
				ELSE a.attname IN ('reason', 'note', 'salt', 'digest', 'note_digest', 'person_digest') END
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', personal.relation, personal.attname);
	END LOOP;
END
$$;
$script$),

('policies', 31, NULL, $script$
-- Disputes: where the account works, or given to a department that it is an officer of.
CREATE POLICY scope ON dispute FOR SELECT USING (
	region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
	OR region = ANY ((SELECT scope_codes())::text[])
	OR departments && (SELECT my_departments()));
/*
 * Who may write is asked of the duty that it takes, where it is held: an account
 * that inspects the city and is the centre of one township writes as that there.
 */
CREATE POLICY register ON dispute FOR INSERT WITH CHECK (
	EXISTS (SELECT FROM duty_ranges('{member,centre}') r WHERE dispute.region BETWEEN r.code AND r.code_end));
CREATE POLICY work ON dispute FOR UPDATE USING (
	departments && (SELECT my_departments())
	OR EXISTS (SELECT FROM duty_ranges('{centre,leader,inspector}') r
		WHERE dispute.region BETWEEN r.code AND r.code_end))
WITH CHECK (
	EXISTS (SELECT FROM duty_ranges('{centre,leader,inspector}') r
		WHERE dispute.region BETWEEN r.code AND r.code_end)
	OR may_go_up_to(id, region));

-- Matters: the same by region, and one's own.
CREATE POLICY scope ON matter FOR SELECT USING (
	region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
	OR region = ANY ((SELECT scope_codes())::text[])
	OR member = (SELECT current_account()));
CREATE POLICY work ON matter FOR UPDATE USING (
	EXISTS (SELECT FROM duty_ranges('{centre}') r WHERE matter.region BETWEEN r.code AND r.code_end));

CREATE POLICY scope ON element FOR SELECT USING (
	region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
	OR region = ANY ((SELECT scope_codes())::text[]));

CREATE POLICY scope ON petition FOR SELECT USING (
	region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
	OR region = ANY ((SELECT scope_codes())::text[]));
CREATE POLICY scope ON incident FOR SELECT USING (
	region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
	OR region = ANY ((SELECT scope_codes())::text[]));

DO $$
DECLARE
	child record;
	list record;
BEGIN
	/*
	 * Rows that belong to another go with it, for reading and for writing: a
	 * foreign key alone accepts a parent that is hidden.  A role may be granted
	 * more than the account behind it has duties for.
	 */
	FOR child IN
		SELECT * FROM (VALUES
			('dispute_detail', 'dispute', 'd.id = dispute_detail.dispute', '{member,officer,centre}', '{officer,centre}'),
			('dispute_party', 'dispute', 'd.id = dispute_party.dispute', '{member,officer,centre}', '{officer,centre}'),
			('follow_up', 'dispute', 'd.id = follow_up.id', NULL, NULL),
			('assignment', 'dispute', 'd.id = assignment.dispute', NULL, NULL),
			('agreement', 'dispute', 'd.id = agreement.dispute', '{officer,centre}', '{officer,centre}'),
			('agreement_detail', 'agreement', 'd.id = agreement_detail.agreement', NULL, NULL),
			('score', 'dispute', 'd.id = score.dispute', '{inspector}', NULL),
			('attachment', 'dispute', 'd.id = attachment.dispute', '{member,officer,centre}', NULL),
			('matter_detail', 'matter', 'd.id = matter_detail.matter', NULL, NULL),
			('petition_person', 'petition', 'd.id = petition_person.petition', NULL, NULL),
			('element_detail', 'element', '(d.source_department, d.source_key) '
				'= (element_detail.source_department, element_detail.source_key)', NULL, NULL),
			('import_reject', 'import_run', 'd.id = import_reject.run', NULL, NULL)
		) AS c(name, parent, join_condition, adding, changing)
	LOOP
		EXECUTE format('CREATE POLICY of_parent ON %I FOR SELECT USING (EXISTS (SELECT FROM %I d WHERE %s))',
			child.name, child.parent, child.join_condition);
		IF child.adding IS NOT NULL THEN
			EXECUTE format('CREATE POLICY add ON %I FOR INSERT WITH CHECK (works_on(dispute, %L))',
				child.name, child.adding);
		END IF;
		IF child.changing IS NOT NULL THEN
			EXECUTE format('CREATE POLICY change ON %I FOR UPDATE USING (works_on(dispute, %L))',
				child.name, child.changing);
		END IF;
	END LOOP;
	-- Lists: whoever has an account reads them, an admin keeps them, those of places where it is one.
	FOR list IN
		SELECT * FROM (VALUES
			('region', 'EXISTS (SELECT FROM duty_ranges(''{admin}'') a '
				'WHERE region.code >= a.code AND region.code_end <= a.code_end)'),
			('department', 'administers(region, NULL)'),
			('centre', 'administers(region, NULL)'),
			('centre_desk', 'administers(centre, NULL)'),
			('grid', 'administers(region, NULL)'),
			('grid_member', 'EXISTS (SELECT FROM grid g WHERE g.code = grid_member.grid AND administers(g.region, NULL))'),
			('unit', 'administers(region, NULL)'),
			('item_class', NULL), ('item', NULL), ('tag', NULL), ('risk_level_region', NULL), ('calendar', NULL),
			('deadline_rule', NULL), ('account', NULL)
		) AS l(name, place)
	LOOP
		EXECUTE format('CREATE POLICY look_up ON %I FOR SELECT USING ((SELECT current_account()) IS NOT NULL)', list.name);
		EXECUTE format('CREATE POLICY administer ON %I USING ((SELECT has_duty(''admin''))%s)',
			list.name, ' AND ' || list.place);
	END LOOP;
END
$$;
CREATE POLICY add ON follow_up FOR INSERT WITH CHECK (EXISTS (SELECT FROM dispute d WHERE d.id = follow_up.id));
CREATE POLICY add ON agreement_detail FOR INSERT WITH CHECK (
	EXISTS (SELECT FROM agreement a WHERE a.id = agreement_detail.agreement AND works_on(a.dispute, '{officer,centre}')));
CREATE POLICY change ON agreement_detail FOR UPDATE USING (
	EXISTS (SELECT FROM agreement a WHERE a.id = agreement_detail.agreement AND works_on(a.dispute, '{officer,centre}')));
CREATE POLICY of_subject ON deadline FOR SELECT USING (
	EXISTS (SELECT FROM dispute d WHERE d.id = deadline.dispute)
	OR EXISTS (SELECT FROM petition p WHERE p.id = deadline.petition));
CREATE POLICY own ON import_run FOR SELECT USING (department = ANY ((SELECT my_import_departments())::integer[]));
CREATE POLICY own ON notice USING (account = (SELECT current_account()));

CREATE POLICY colleagues ON account_person FOR SELECT USING (
	account = (SELECT current_account()) OR (SELECT has_duty('centre', 'leader', 'inspector', 'admin')));
CREATE POLICY administer ON account_person USING ((SELECT has_duty('admin')));
CREATE POLICY own ON account_duty FOR SELECT USING (account = (SELECT current_account()));
CREATE POLICY administer ON account_duty USING (administers(region, department));
$script$),

('protections', 40, 1, $script$
SELECT protect_cases('dispute', 'three_colour', 'follow_up', actor_function => 'current_account()');
SELECT protect_cases('matter', 'matter', actor_function => 'current_account()');
$script$),

('views', 50, NULL, $script$
CREATE OR REPLACE VIEW board @row_view@ AS
SELECT d.state, d.risk, count(*) AS disputes
FROM dispute d
WHERE @row_scope@
GROUP BY d.state, d.risk;
COMMENT ON VIEW board IS 'how many disputes are where, of those that the acting account may see';
COMMENT ON COLUMN board.state IS 'where they are in the closed loop';
COMMENT ON COLUMN board.risk IS 'their risk';
COMMENT ON COLUMN board.disputes IS 'how many';

CREATE OR REPLACE VIEW my_cases @row_view@ AS
SELECT d.id, d.region, d.state, d.risk, d.difficult, d.responsible, d.leader, d.open_work, d.reported_at
FROM dispute d
WHERE (@row_scope@)
	AND d.state NOT IN ('closed', 'transferred', 'voided')
	AND (d.responsible = (SELECT current_account()) OR d.leader = (SELECT current_account())
		OR d.departments && (SELECT my_departments())
			AND EXISTS (SELECT FROM assignment a WHERE a.dispute = d.id
				AND a.department = ANY ((SELECT my_departments())::integer[])
				AND a.state IN ('offered', 'accepted')));
COMMENT ON VIEW my_cases IS 'disputes that the acting account works on: as responsible, as leader, or as an officer of a department that has it';
COMMENT ON COLUMN my_cases.id IS 'number';
COMMENT ON COLUMN my_cases.region IS 'region that holds the case';
COMMENT ON COLUMN my_cases.state IS 'where it is in the closed loop';
COMMENT ON COLUMN my_cases.risk IS 'its risk';
COMMENT ON COLUMN my_cases.difficult IS 'needs a leader whatever its risk';
COMMENT ON COLUMN my_cases.responsible IS 'account that is responsible';
COMMENT ON COLUMN my_cases.leader IS 'account of the leader who stands for it';
COMMENT ON COLUMN my_cases.open_work IS 'assignments not yet done';
COMMENT ON COLUMN my_cases.reported_at IS 'when it was reported';

CREATE OR REPLACE VIEW unplaced @row_view@ AS
SELECT d.id, d.region, d.place_region, d.reported_at,
	CASE WHEN p.place IS NULL THEN 'no place' WHEN w.why IS NOT NULL THEN w.why
		WHEN n.grid IS NULL THEN 'in no grid' ELSE 'not placed since' END AS why,
	n.grid AS grid_now
FROM dispute d
	LEFT JOIN dispute_detail p ON p.dispute = d.id
	CROSS JOIN LATERAL (SELECT why_unplaced('grid'::regclass, p.place) AS why) AS w
	CROSS JOIN LATERAL (SELECT CASE WHEN w.why IS NULL THEN find_grid(p.place) END AS grid) AS n
WHERE (@row_scope@) AND d.grid IS NULL AND d.state <> 'voided';
COMMENT ON VIEW unplaced IS 'disputes that were placed in no grid, and why, of those that the acting account may see';
COMMENT ON COLUMN unplaced.id IS 'number';
COMMENT ON COLUMN unplaced.region IS 'region that holds the case';
COMMENT ON COLUMN unplaced.place_region IS 'region where the dispute is';
COMMENT ON COLUMN unplaced.reported_at IS 'when it was reported';
COMMENT ON COLUMN unplaced.why IS 'no place; in no grid; not placed since its place came to be in one; or what is wrong with its place';
COMMENT ON COLUMN unplaced.grid_now IS 'grid that its place is in now';
$script$),

('admission', 60, NULL, $script$
/*
 * What a duty needs, granted to a database role.  What of it the account behind
 * the role may use, and on which rows, is for the policies to say.  Nobody is
 * granted to change state of assignments, open_work, departments or duplicate_of:
 * functions do.
 */
CREATE OR REPLACE PROCEDURE admit(db_role name, duty text)
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
	allowed record;
BEGIN
	IF duty IS NULL OR duty NOT IN ('member', 'officer', 'centre', 'leader', 'inspector', 'importer', 'analyst',
		'admin', 'sign_in') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no duty %s', coalesce(quote_literal(duty), 'null')),
			HINT = 'Duties are member, officer, centre, leader, inspector, importer, analyst, admin; '
				'sign_in opens sessions.';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), db_role);
	FOR allowed IN
		SELECT g.privilege, g.target FROM (VALUES
			@grants@
		) AS g(duties, privilege, target)
		WHERE duty = ANY (g.duties::text[]) OR duty <> 'sign_in' AND g.duties = '{all}'
	LOOP
		EXECUTE format('GRANT %s ON %s TO %I', allowed.privilege, allowed.target, db_role);
	END LOOP;
END
$$;
COMMENT ON PROCEDURE admit(name, text) IS
'grants a database role what a duty needs: member, officer, centre, leader, inspector, importer, analyst or admin; sign_in: to open sessions for others';

CREATE OR REPLACE PROCEDURE dismiss(db_role name)
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
	EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), db_role);
	EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA %I FROM %I', current_schema(), db_role);
	EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', current_schema(), db_role);
END
$$;
COMMENT ON PROCEDURE dismiss(name) IS
'takes from a database role all that it may do in this registry';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target)
SELECT g.duties::text[], g.privilege, g.target
FROM (VALUES (
		'region, department, centre, centre_desk, grid, grid_member, item_class, item, tag, '
			'risk_level_region, deadline_rule, unit, account',
		'dispute, dispute_detail, dispute_party, follow_up, assignment, agreement, '
			'agreement_detail, conference, conference_member, conference_action, conference_detail, campaign, '
			'campaign_dispute, matter, matter_detail, petition, petition_person, incident, deadline, score, '
			'attachment, element, element_detail, account_person, account_duty, board, my_cases, unplaced'
	)) AS t(lists, cases)
	CROSS JOIN LATERAL (VALUES
		('{sign_in}', 'EXECUTE', 'FUNCTION open_session(text, interval), close_session(text)'),
		('{all}', 'EXECUTE', 'FUNCTION current_account(), has_duty(text[]), duty_ranges(text[]), scope_low(), '
			'scope_high(), scope_codes(), my_departments(), my_import_departments(), administers(text, integer), works_on(bigint, text[]), '
			'close_session(text)'),
		('{member,officer,centre,leader,inspector,importer,admin}', 'SELECT', t.lists),
		('{analyst}', 'SELECT', 'region, item_class, item'),
		('{officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION may_go_up_to(bigint, text)'),
		('{member,officer,centre,leader,inspector}', 'SELECT', t.cases),
		('{member,officer,centre,leader,inspector}', 'EXECUTE',
			'FUNCTION find_elements(text[], text), find_near(@postgis@.geometry, double precision)'),
		('{member,officer,centre,leader,inspector,importer,admin}', 'SELECT', 'notice'),
		('{member,officer,centre,leader,inspector}', 'INSERT (id, happened_at, kind, satisfied, note)', 'follow_up'),
		('{member,centre}', 'INSERT (region, place_region, grid, grid_version, risk, difficult, responsible, '
			'leader, centre, found_by, grounds, situation, theme, item, reason, reported_at)', 'dispute'),
		('{officer,centre,leader,inspector}', 'UPDATE (region, place_region, grid, grid_version, state, risk, '
			'difficult, responsible, leader, grounds, situation, theme, item, reason)', 'dispute'),
		('{centre}', 'UPDATE (centre, hold)', 'dispute'),
		('{member,officer,centre}', 'INSERT', 'dispute_detail, dispute_party, attachment'),
		('{officer,centre}', 'UPDATE', 'dispute_detail, dispute_party'),
		('{officer,centre}', 'INSERT', 'agreement, agreement_detail'),
		('{officer,centre}', 'UPDATE', 'agreement, agreement_detail'),
		('{centre}', 'INSERT', 'campaign, campaign_dispute, incident'),
		('{centre}', 'UPDATE', 'conference_detail, campaign, incident'),
		('{centre}', 'DELETE', 'campaign_dispute'),
		('{centre}', 'UPDATE (state, reason)', 'matter'),
		('{inspector}', 'INSERT', 'score'),
		('{importer}', 'SELECT', 'import_run, import_reject'),
		('{admin}', 'SELECT', 'account_person, account_duty'),
		('{admin}', 'INSERT', t.lists || ', account_person, account_duty'),
		('{admin}', 'UPDATE', t.lists || ', account_person, account_duty'),
		('{admin}', 'DELETE', t.lists || ', account_person, account_duty')
	) AS g(duties, privilege, target);
