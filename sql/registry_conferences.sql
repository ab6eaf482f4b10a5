-- registry_conferences: joint work on disputes: conferences, and campaigns

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('conference functions', 28, NULL, $script$
CREATE OR REPLACE FUNCTION hold_conference(dispute bigint, centre text, held_at timestamptz, departments integer[],
	decision text DEFAULT NULL, actions jsonb DEFAULT '[]') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	held dispute;
	taking_part CONSTANT integer[] := ARRAY(SELECT DISTINCT m.department FROM unnest(departments) AS m(department)
		ORDER BY 1);
	missing integer;
	action record;
	seq bigint;
	conference bigint;
BEGIN
	held := lock_case_of_centre(dispute, format('dispute %s', coalesce(dispute::text, 'null')));
	IF held.centre IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('no centre leads joint work on dispute %s', held.id),
			HINT = 'Offering it to a second department sets column centre of the dispute; so can you.';
	END IF;
	IF centre IS DISTINCT FROM held.centre OR centre <> ALL (my_centres()) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('centre %s does not lead joint work on dispute %s, or is not yours',
				coalesce(centre, 'null'), held.id),
			DETAIL = format('Centre %s leads it.', held.centre);
	END IF;
	IF held.state IN ('closed', 'transferred', 'voided') THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s', held.id, held.state),
			DETAIL = 'Conferences are held on cases that are worked on.';
	END IF;
	IF held_at IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'when the conference was held must be given';
	END IF;
	IF cardinality(taking_part) < 2 OR array_position(taking_part, NULL) IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a conference is one of two departments or more',
			DETAIL = format('Departments are %s.', coalesce(departments::text, 'null'));
	END IF;

	IF jsonb_typeof(actions) IS DISTINCT FROM 'array' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'actions of a conference are no array',
			HINT = 'Actions are [{"department": 2, "due": "2025-03-01"}, ...].';
	END IF;
	FOR action IN SELECT a.value, a.n FROM jsonb_array_elements(actions) WITH ORDINALITY AS a(value, n) LOOP
		IF jsonb_typeof(action.value) <> 'object'
			OR (SELECT array_agg(k ORDER BY k COLLATE "C")
				FROM jsonb_object_keys(CASE jsonb_typeof(action.value) WHEN 'object' THEN action.value ELSE '{}' END) AS k)
				IS DISTINCT FROM ARRAY['department', 'due']
			OR jsonb_typeof(action.value -> 'department') <> 'number'
			OR action.value ->> 'department' !~ '^\d{1,9}$'
			OR jsonb_typeof(action.value -> 'due') <> 'string'
			OR action.value ->> 'due' !~ '^\d{4}-\d{2}-\d{2}$' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('action %s of the conference needs a department and a day, and nothing else', action.n),
				HINT = 'Actions are [{"department": 2, "due": "2025-03-01"}, ...].';
		END IF;
		IF (action.value ->> 'due')::date < held_at::date THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('action %s of the conference is due before it is held', action.n);
		END IF;
	END LOOP;
	SELECT m.department INTO missing FROM (
		SELECT unnest(taking_part)
		UNION SELECT (a ->> 'department')::integer FROM jsonb_array_elements(actions) AS a) AS m(department)
	WHERE NOT EXISTS (SELECT FROM department d WHERE d.id = m.department)
	ORDER BY 1 LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('department %s does not exist', missing);
	END IF;

	INSERT INTO follow_up (id, kind, happened_at) VALUES (held.id, 'conference', hold_conference.held_at)
	RETURNING follow_up.seq INTO seq;
	INSERT INTO conference (dispute, centre, held_at, link_seq)
	VALUES (held.id, hold_conference.centre, hold_conference.held_at, seq)
	RETURNING id INTO conference;
	INSERT INTO conference_member (conference, department)
	SELECT conference, m.department FROM unnest(taking_part) AS m(department);
	INSERT INTO conference_action (conference, department, due)
	SELECT conference, (a.value ->> 'department')::integer, (a.value ->> 'due')::date
	FROM jsonb_array_elements(actions) WITH ORDINALITY AS a(value, n) ORDER BY a.n;
	IF decision IS NOT NULL THEN
		INSERT INTO conference_detail (conference, decision) VALUES (conference, hold_conference.decision);
	END IF;
	PERFORM tell_officers(t.department, 'action', held.id)
	FROM (SELECT DISTINCT (a ->> 'department')::integer AS department
		FROM jsonb_array_elements(actions) AS a ORDER BY 1) AS t;
	RETURN conference;
END
$$;
COMMENT ON FUNCTION hold_conference(bigint, text, timestamptz, integer[], text, jsonb) IS
'enters a conference on a dispute, with its link on the chain, who took part, what was decided and what departments are to do; for the centre that leads joint work on it; returns the conference';

CREATE OR REPLACE FUNCTION finish_action(action bigint, done_on date DEFAULT current_date) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given record;
BEGIN
	SELECT a.done_on, c.held_at::date AS given_on INTO given
	FROM conference_action a
		JOIN conference c ON c.id = a.conference
		JOIN dispute d ON d.id = c.dispute
	WHERE a.id = finish_action.action
		AND (a.department = ANY (my_departments())
			OR EXISTS (SELECT FROM duty_ranges('{centre}') r WHERE d.region BETWEEN r.code AND r.code_end))
	FOR NO KEY UPDATE OF a;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('action %s does not exist, or is not yours', coalesce(action::text, 'null')),
			HINT = 'This is for an officer of the department that it was given to, and for a centre where the case is held.';
	END IF;
	IF given.done_on IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('action %s is done', action);
	END IF;
	IF done_on IS NULL OR done_on NOT BETWEEN given.given_on AND current_date THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('action %s cannot be done on that day', action),
			DETAIL = 'It is a day from that of the conference until today.';
	END IF;
	UPDATE conference_action a SET done_on = finish_action.done_on WHERE a.id = finish_action.action;
END
$$;
COMMENT ON FUNCTION finish_action(bigint, date) IS
'an officer of the department, or a centre where the case is held, says that what a conference gave it to do is done';

CREATE OR REPLACE FUNCTION directs(region text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM duty_ranges('{centre}') c JOIN region r ON r.code >= c.code AND r.code_end <= c.code_end
		WHERE CASE WHEN directs.region IS NULL THEN r.level = 1 ELSE r.code = directs.region END);
END
$$;
COMMENT ON FUNCTION directs(text) IS
'whether the acting account is a centre of a region, or above it; null: of the whole city';
$script$),

('conference policies', 34, NULL, $script$
-- What a conference left goes with the dispute; what it gave a department to do is for that to see, too.
CREATE POLICY of_parent ON conference FOR SELECT USING (
	EXISTS (SELECT FROM dispute d WHERE d.id = conference.dispute));
CREATE POLICY of_parent ON conference_member FOR SELECT USING (
	EXISTS (SELECT FROM conference c WHERE c.id = conference_member.conference));
CREATE POLICY of_parent ON conference_action FOR SELECT USING (
	EXISTS (SELECT FROM conference c WHERE c.id = conference_action.conference));
CREATE POLICY of_department ON conference_action FOR SELECT USING (
	department = ANY ((SELECT my_departments())::integer[]));
CREATE POLICY of_parent ON conference_detail FOR SELECT USING (
	EXISTS (SELECT FROM conference c WHERE c.id = conference_detail.conference));
CREATE POLICY correct ON conference_detail FOR UPDATE USING (
	EXISTS (SELECT FROM conference c WHERE c.id = conference_detail.conference
		AND c.centre = ANY ((SELECT my_centres())::text[])));

-- Campaigns: known to all, opened and changed by the centre of the region, filled by each with its own cases.
CREATE POLICY look_up ON campaign FOR SELECT USING ((SELECT current_account()) IS NOT NULL);
CREATE POLICY open ON campaign FOR INSERT WITH CHECK (directs(region));
CREATE POLICY change ON campaign FOR UPDATE USING (directs(region));
CREATE POLICY of_parent ON campaign_dispute FOR SELECT USING (
	EXISTS (SELECT FROM dispute d WHERE d.id = campaign_dispute.dispute));
CREATE POLICY add ON campaign_dispute FOR INSERT WITH CHECK (
	EXISTS (SELECT FROM dispute d, campaign c LEFT JOIN region r ON r.code = c.region
		WHERE d.id = campaign_dispute.dispute AND c.id = campaign_dispute.campaign
			AND (c.region IS NULL OR d.region BETWEEN r.code AND r.code_end)
			AND directs(d.region)));
CREATE POLICY remove ON campaign_dispute FOR DELETE USING (
	EXISTS (SELECT FROM dispute d WHERE d.id = campaign_dispute.dispute AND directs(d.region)));
$script$),

('campaign views', 54, NULL, $script$
/*
 * Counts for those who may have counts, and no rows: it runs as its owner, over
 * the regions where the account has such a duty.  Where these, or the campaign,
 * lie below the counties, there are no small ones; and as disputes are the sum of
 * open, resolved and transferred ones, none of these where one would be small.
 */
CREATE OR REPLACE VIEW campaign_progress WITH (security_barrier = true) AS
WITH mine AS MATERIALIZED (
	SELECT s.code, s.code_end, r.level
	FROM duty_ranges('{analyst,centre,leader,inspector}') s JOIN region r ON r.code = s.code
)
SELECT c.id AS campaign, c.name, c.region, c.period,
	CASE WHEN l.large OR n.registered >= a.small_cell THEN n.registered END AS disputes,
	CASE WHEN l.large OR n.smallest >= a.small_cell THEN n.pending END AS open,
	CASE WHEN l.large OR n.smallest >= a.small_cell THEN n.resolved END AS resolved,
	CASE WHEN l.large OR n.smallest >= a.small_cell THEN n.rate END AS rate
FROM about a
	CROSS JOIN campaign c
	LEFT JOIN region r ON r.code = c.region
	CROSS JOIN LATERAL (
		SELECT greatest(max(m.level), r.level) <= 2 AS large FROM mine m
		WHERE r.code IS NULL OR m.code <= r.code_end AND m.code_end >= r.code
		HAVING count(*) > 0) AS l
	CROSS JOIN LATERAL (
		SELECT s.*, least(s.pending, s.resolved, s.handled - s.resolved) AS smallest
		FROM (
			SELECT count(*) FILTER (WHERE d.state <> 'voided') AS registered,
				count(*) FILTER (WHERE is_open(d.state)) AS pending,
				count(*) FILTER (WHERE is_handled(d.state)) AS handled,
				count(*) FILTER (WHERE is_resolved(d.state)) AS resolved,
				resolution_rate(d.state) AS rate
			FROM campaign_dispute b JOIN dispute d ON d.id = b.dispute
			WHERE b.campaign = c.id
				AND EXISTS (SELECT FROM mine m WHERE d.region BETWEEN m.code AND m.code_end)) AS s) AS n;
COMMENT ON VIEW campaign_progress IS 'how campaigns stand, in counts of their disputes in regions where the acting account is an analyst, centre, leader or inspector; below the counties what is small, or would tell what is, is null';
COMMENT ON COLUMN campaign_progress.campaign IS 'the campaign';
COMMENT ON COLUMN campaign_progress.name IS 'its name';
COMMENT ON COLUMN campaign_progress.region IS 'where; null: in the whole city';
COMMENT ON COLUMN campaign_progress.period IS 'when';
COMMENT ON COLUMN campaign_progress.disputes IS 'disputes that belong to it, voided ones left out';
COMMENT ON COLUMN campaign_progress.open IS 'of these, open ones';
COMMENT ON COLUMN campaign_progress.resolved IS 'of these, resolved';
COMMENT ON COLUMN campaign_progress.rate IS 'resolved of those handled';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{centre}', 'EXECUTE', 'FUNCTION my_centres(), directs(text), '
		'hold_conference(bigint, text, timestamptz, integer[], text, jsonb)'),
	('{officer,centre}', 'EXECUTE', 'FUNCTION finish_action(bigint, date)'),
	('{analyst,centre,leader,inspector}', 'SELECT', 'campaign_progress');
