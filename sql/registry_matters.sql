-- registry_matters: what grid members report, and disputes raised from it

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('matters', 24, NULL, $script$
/*
 * A late report lies in the grid of then.  The history knows each boundary as it
 * was recorded at a time; for what lies before the first record of a place that
 * one is the nearest.  On which days a grid exists, it says itself.
 */
CREATE OR REPLACE FUNCTION grid_at(place @postgis@.geometry, at timestamptz, OUT grid text, OUT version bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	SELECT h.grid, h.version INTO grid, version
	FROM grid_history h LEFT JOIN grid g ON g.code = h.grid
	WHERE @postgis@.ST_Covers(h.geom, place) AND (h.valid @> at OR lower(h.valid) > at)
		AND (g.code IS NULL OR g.valid @> at::date)
	ORDER BY CASE WHEN h.valid @> at THEN 0 ELSE h.event END, h.kind = 'ordinary', h.grid COLLATE "C"
	LIMIT 1;
END
$$;
COMMENT ON FUNCTION grid_at(@postgis@.geometry, timestamptz) IS
'the grid, and its version, that covered a point at a time, a special one before an ordinary one; null where none did';

CREATE OR REPLACE FUNCTION report_digest(salt bytea, item text, region text, reported_at timestamptz,
	content text, place @postgis@.geometry, reporter text) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	-- As fields of links are: 00 for null, else 01, the length in four bytes, and the bytes.
	RETURN (SELECT sha256(salt || string_agg(CASE WHEN f.bytes IS NULL THEN '\x00'::bytea
			ELSE '\x01'::bytea || int4send(octet_length(f.bytes)) || f.bytes END, ''::bytea ORDER BY f.n))
		FROM unnest(ARRAY[convert_to(item, 'UTF8'), convert_to(region, 'UTF8'), timestamptz_send(reported_at),
			convert_to(content, 'UTF8'), @postgis@.ST_AsEWKB(place, 'NDR'), convert_to(reporter, 'UTF8')])
			WITH ORDINALITY AS f(bytes, n));
END
$$;
COMMENT ON FUNCTION report_digest(bytea, text, text, timestamptz, text, @postgis@.geometry, text) IS
'SHA-256 over a salt and what a telephone sent, by which a report that is sent again is known';

CREATE OR REPLACE FUNCTION require_report(item text, region text, reported_at timestamptz, place @postgis@.geometry)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	-- A label read loads the library, before which the setting is anybody's.
	reported_as CONSTANT case_state := 'collected';
	clock_skew CONSTANT interval := current_setting('govcase.clock_skew')::interval;
	place_srid CONSTANT integer := (SELECT a.srid FROM about a);
	place_in region;
BEGIN
	IF item IS NULL OR region IS NULL OR reported_at IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'item, region and time of a matter must not be null';
	END IF;
	SELECT r.* INTO place_in FROM region r
	WHERE r.code = require_report.region
		AND EXISTS (SELECT FROM duty_ranges('{member,centre}') s WHERE r.code >= s.code AND r.code_end <= s.code_end);
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('region %s is not one that you report from', region),
			HINT = 'Matters are reported by members and centres, where they have that duty.';
	END IF;
	IF NOT isfinite(reported_at) OR reported_at > clock_timestamp() + clock_skew THEN
		RAISE datetime_field_overflow USING
			MESSAGE = CASE WHEN isfinite(reported_at) THEN 'matter would be reported in the future'
				ELSE 'matter would be reported at no time' END,
			DETAIL = format('It is %s, the matter was reported at %s, and clocks may differ by %s.',
				clock_timestamp(), reported_at, clock_skew),
			HINT = 'Set the clock of the telephone.';
	END IF;
	IF NOT place_in.valid @> reported_at::date THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('region %s did not exist on %s', region, to_char(reported_at, 'YYYY-MM-DD')),
			HINT = CASE WHEN place_in.replaced_by IS NULL THEN 'Table region says on which days each exists.'
				ELSE format('It went into region %s.', place_in.replaced_by) END;
	END IF;
	PERFORM FROM item i WHERE i.code = require_report.item;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no item %s', item),
			HINT = 'Table item lists what can be reported.';
	END IF;
	IF @postgis@.ST_GeometryType(place) <> 'ST_Point' OR @postgis@.ST_SRID(place) <> place_srid THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('place of a matter must be a point with SRID %s', place_srid),
			DETAIL = format('It is a %s with SRID %s.', substr(@postgis@.ST_GeometryType(place), 4),
				@postgis@.ST_SRID(place));
	END IF;
END
$$;
COMMENT ON FUNCTION require_report(text, text, timestamptz, @postgis@.geometry) IS
'raises an error where a matter is not one that the acting account can report';

CREATE OR REPLACE FUNCTION report_matter(id uuid, item text, region text, reported_at timestamptz,
	content text DEFAULT NULL, place @postgis@.geometry DEFAULT NULL, reporter text DEFAULT NULL) RETURNS matter
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	acting CONSTANT text := current_account();
	-- Altitude and measure are nowhere kept.
	point CONSTANT @postgis@.geometry := @postgis@.ST_Force2D(place);
	new_salt CONSTANT bytea := substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16);
	there matter;
	differing text[];
BEGIN
	IF acting IS NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'nobody is known to act',
			HINT = 'A pooled application sets govcase.token in each transaction.';
	END IF;
	IF id IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'id of a matter must not be null';
	END IF;
	SELECT m.* INTO there FROM matter m WHERE m.id = report_matter.id;
	IF NOT FOUND THEN
		PERFORM require_report(item, region, reported_at, point);
		INSERT INTO matter AS m (id, item, region, grid, member, reported_at, salt, digest)
		VALUES (report_matter.id, report_matter.item, report_matter.region,
			(SELECT g.grid FROM grid_at(point, report_matter.reported_at) g),
			acting, report_matter.reported_at, new_salt,
			report_digest(new_salt, report_matter.item, report_matter.region,
				report_matter.reported_at, content, point, reporter))
		ON CONFLICT DO NOTHING
		RETURNING m.* INTO there;
		IF FOUND THEN
			INSERT INTO matter_detail (matter, content, place, reporter)
			VALUES (report_matter.id, report_matter.content, point, report_matter.reporter);
			RETURN there;
		END IF;
		-- Another session was sending it, too, and was first.
		SELECT m.* INTO STRICT there FROM matter m WHERE m.id = report_matter.id;
	END IF;

	IF there.member IS DISTINCT FROM acting THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('matter %s does not exist, or is not yours', id);
	END IF;
	-- Purged, there is nothing to compare with.
	IF there.digest IS NULL OR there.digest = report_digest(there.salt, item, region, reported_at,
			content, point, reporter) THEN
		RETURN there;
	END IF;
	SELECT array_remove(ARRAY[
			CASE WHEN there.item IS DISTINCT FROM report_matter.item THEN 'item' END,
			CASE WHEN there.region IS DISTINCT FROM report_matter.region THEN 'region' END,
			CASE WHEN there.reported_at IS DISTINCT FROM report_matter.reported_at THEN 'reported_at' END,
			CASE WHEN d.content IS DISTINCT FROM report_matter.content THEN 'content' END,
			CASE WHEN @postgis@.ST_AsEWKB(d.place, 'NDR') IS DISTINCT FROM @postgis@.ST_AsEWKB(point, 'NDR')
				THEN 'place' END,
			CASE WHEN d.reporter IS DISTINCT FROM report_matter.reporter THEN 'reporter' END], NULL)
	INTO differing
	FROM matter_detail d WHERE d.matter = there.id;
	RAISE unique_violation USING
		MESSAGE = format('matter %s was reported before, and differently', id),
		DETAIL = CASE WHEN cardinality(differing) > 0
			THEN format('It differs in %s.', array_to_string(differing, ', '))
			ELSE 'What is there was corrected after it had been sent.' END,
		HINT = 'Another matter takes another id.';
END
$$;
COMMENT ON FUNCTION report_matter(uuid, text, text, timestamptz, text, @postgis@.geometry, text) IS
'enters what a member reports, in the grid of then, and returns it; sent again as it was, it returns what is there';

CREATE OR REPLACE FUNCTION raise_matter(matter uuid, risk risk_level DEFAULT NULL, grounds text[] DEFAULT NULL,
	found_by text DEFAULT 'patrol', title text DEFAULT NULL, reason text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	acting CONSTANT text := current_account();
	held matter;
	of_item item;
	detail matter_detail;
	is_centre boolean;
	begins_with risk_level;
	held_by text;
	placed bigint;
	raised bigint;
	given_reason text;
BEGIN
	SELECT m.* INTO held FROM matter m
	WHERE m.id = raise_matter.matter
		AND EXISTS (SELECT FROM duty_ranges(CASE WHEN m.member = acting THEN ARRAY['centre', 'member']
				ELSE ARRAY['centre'] END) s
			WHERE m.region BETWEEN s.code AND s.code_end)
	FOR NO KEY UPDATE OF m;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('matter %s does not exist, or is not yours', coalesce(matter::text, 'null')),
			HINT = 'A matter is raised by a centre of its region, or by the member who reported it.';
	END IF;
	IF held.dispute IS NOT NULL THEN
		RETURN held.dispute;
	END IF;
	is_centre := EXISTS (SELECT FROM duty_ranges('{centre}') s WHERE held.region BETWEEN s.code AND s.code_end);
	IF NOT is_open(held.state) OR NOT is_centre AND held.state <> 'collected' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('matter %s is %s', held.id, held.state),
			DETAIL = CASE WHEN is_centre THEN 'Only an open one is raised to a dispute.'
				ELSE 'A member raises what is collected; what is already being dealt with is for the centre.' END;
	END IF;

	SELECT i.* INTO STRICT of_item FROM item i WHERE i.code = held.item;
	begins_with := coalesce(raise_matter.risk, of_item.risk);
	IF begins_with = 'red' AND coalesce(cardinality(grounds), 0) = 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a red dispute needs grounds',
			HINT = 'They are grave, long_standing and high_risk.';
	END IF;
	-- Graded control: the nearest region, from its own upwards, that may hold such a case.
	held_by := coalesce(holder_above(held.region,
		(SELECT g.lowest_level FROM risk_level_region g WHERE g.risk = begins_with)), held.region);
	SELECT d.* INTO detail FROM matter_detail d WHERE d.matter = held.id;
	INSERT INTO dispute AS d (region, place_region, risk, found_by, grounds, item, reported_at)
	VALUES (held_by, held.region, begins_with, raise_matter.found_by, raise_matter.grounds, held.item,
		-- The telephone's clock may be ahead; nothing on the chain lies before this.
		least(held.reported_at, held.received_at))
	RETURNING d.id INTO raised;
	INSERT INTO dispute_detail (dispute, title, narrative, place)
	VALUES (raised, coalesce(raise_matter.title, of_item.name), detail.content, detail.place);
	-- With its place it came into the grid of now; it belongs into that of then.
	placed := (SELECT g.version FROM grid_at(detail.place, held.reported_at) g WHERE g.grid = held.grid);
	UPDATE dispute d SET grid = held.grid, grid_version = placed
	WHERE d.id = raised AND (d.grid, d.grid_version) IS DISTINCT FROM (held.grid, placed);
	IF held_by <> held.region THEN
		PERFORM send_notice(t.account, 'escalation', raised)
		FROM (SELECT DISTINCT a.account FROM account_duty a JOIN account o ON o.id = a.account AND o.active
			WHERE a.duty = 'centre' AND a.region = held_by AND a.valid @> current_date AND a.account <> acting
			ORDER BY a.account) AS t;
	END IF;

	given_reason := coalesce(raise_matter.reason, format('raised to dispute %s', raised));
	/*
	 * Before 14 a server does not tell that a column was set to what it was, so
	 * that the same reason twice would be none given.
	 */
	UPDATE matter m SET reason = NULL WHERE m.id = held.id AND m.reason = given_reason;
	UPDATE matter m SET state = 'transferred', reason = given_reason, dispute = raised WHERE m.id = held.id;
	RETURN raised;
END
$$;
COMMENT ON FUNCTION raise_matter(uuid, risk_level, text[], text, text, text) IS
'makes a dispute of a matter, of its item''s risk unless another is given, and links them; returns the dispute, which is the same one when asked again';

CREATE OR REPLACE FUNCTION my_items() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN ARRAY(SELECT i.code FROM item i WHERE i.department = ANY (my_departments()));
END
$$;
COMMENT ON FUNCTION my_items() IS
'items that go to a department which the acting account is an officer of';
$script$),

('matter policies', 33, NULL, $script$
/*
 * The department that an item goes to deals with such matters in its region.  Its
 * officers take up what is assigned, report back, or return it; the rest of the
 * short loop is the centre's.
 */
CREATE POLICY department ON matter FOR SELECT USING (
	item = ANY ((SELECT my_items())::text[])
	AND EXISTS (SELECT FROM item i JOIN department d ON d.id = i.department JOIN region r ON r.code = d.region
		WHERE i.code = matter.item AND matter.region BETWEEN r.code AND r.code_end));
CREATE POLICY department_work ON matter FOR UPDATE USING (
	state IN ('assigned', 'handling') AND item = ANY ((SELECT my_items())::text[])
	AND EXISTS (SELECT FROM item i JOIN department d ON d.id = i.department JOIN region r ON r.code = d.region
		WHERE i.code = matter.item AND matter.region BETWEEN r.code AND r.code_end))
WITH CHECK (
	state IN ('collected', 'handling', 'fed_back') AND item = ANY ((SELECT my_items())::text[])
	AND EXISTS (SELECT FROM item i JOIN department d ON d.id = i.department JOIN region r ON r.code = d.region
		WHERE i.code = matter.item AND matter.region BETWEEN r.code AND r.code_end));
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,centre}', 'EXECUTE', 'FUNCTION report_matter(uuid, text, text, timestamptz, text, '
		'@postgis@.geometry, text), raise_matter(uuid, risk_level, text[], text, text, text)'),
	('{member,officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION my_items()'),
	('{officer}', 'UPDATE (state, reason)', 'matter');
