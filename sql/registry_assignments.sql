-- registry_assignments: disputes given to departments, offered and answered

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('assignments', 27, NULL, $script$
/*
 * State of assignments, open_work and departments change here alone.  Whoever
 * changes them holds the dispute first and the assignment after it, as a plain
 * UPDATE of the dispute does, whose trigger revokes: the other order deadlocks.
 * open_work changes by differences.  Every change of how many are live updates
 * the dispute, so that who has an older snapshot gets 40001 at the lock.
 */
CREATE OR REPLACE FUNCTION centre_of(region text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN (SELECT c.region FROM centre c
			JOIN region o ON o.code = c.region
			JOIN region r ON r.code BETWEEN o.code AND o.code_end
		WHERE r.code = centre_of.region
		ORDER BY o.level DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION centre_of(text) IS
'the centre of a region, or of the nearest region above it that has one; null where none has';

CREATE OR REPLACE FUNCTION my_centres() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT c.region
		FROM account_duty d CROSS JOIN LATERAL (SELECT centre_of(d.region)) AS c(region)
		WHERE d.account = current_account() AND d.duty = 'centre' AND d.valid @> current_date
			AND c.region IS NOT NULL);
END
$$;
COMMENT ON FUNCTION my_centres() IS
'centres that the acting account acts for: of each region where it has that duty, or the nearest above';

CREATE OR REPLACE FUNCTION lock_case_of_centre(dispute bigint, asked_for text) RETURNS dispute
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	held dispute;
BEGIN
	SELECT d.* INTO held FROM dispute d
	WHERE d.id = lock_case_of_centre.dispute
		AND EXISTS (SELECT FROM duty_ranges('{centre}') r WHERE d.region BETWEEN r.code AND r.code_end)
	FOR NO KEY UPDATE OF d;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('%s does not exist, or is not yours', asked_for),
			HINT = 'This is for an account that is a centre where the case is held.';
	END IF;
	RETURN held;
END
$$;
COMMENT ON FUNCTION lock_case_of_centre(bigint, text) IS
'a dispute, locked, where the acting account is a centre of the region that holds it; an error otherwise, which says no more than that';

CREATE OR REPLACE FUNCTION lock_assignment_of_officer(assignment bigint) RETURNS assignment
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given assignment;
BEGIN
	-- Dispute and department of an assignment never change.
	SELECT a.* INTO given FROM assignment a
	WHERE a.id = lock_assignment_of_officer.assignment AND a.department = ANY (my_departments());
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('assignment %s does not exist, or is not yours', coalesce(assignment::text, 'null')),
			HINT = 'This is for an officer of the department that it is given to.';
	END IF;
	PERFORM FROM dispute d WHERE d.id = given.dispute FOR NO KEY UPDATE;
	SELECT a.* INTO STRICT given FROM assignment a WHERE a.id = given.id FOR NO KEY UPDATE;
	RETURN given;
END
$$;
COMMENT ON FUNCTION lock_assignment_of_officer(bigint) IS
'an assignment, locked after its dispute, where the acting account is an officer of the department; an error otherwise';

CREATE OR REPLACE FUNCTION require_assignment_state(given assignment, wanted text[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF given.state <> ALL (wanted) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('assignment %s is %s, not %s', given.id, given.state, array_to_string(wanted, ' or ')),
			HINT = CASE given.state WHEN 'offered' THEN 'It has to be accepted first.'
				ELSE 'It was answered or revoked before.' END;
	END IF;
END
$$;
COMMENT ON FUNCTION require_assignment_state(assignment, text[]) IS
'raises an error that names the state found, where an assignment is in none of these';

CREATE OR REPLACE FUNCTION require_reason(reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF reason IS NULL OR btrim(reason) = '' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a reason must be given';
	END IF;
END
$$;
COMMENT ON FUNCTION require_reason(text) IS
'raises an error where there is no reason';

CREATE OR REPLACE FUNCTION tell_officers(department integer, kind text, dispute bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM send_notice(o.account, tell_officers.kind, tell_officers.dispute)
	FROM (SELECT DISTINCT d.account FROM account_duty d JOIN account a ON a.id = d.account AND a.active
		WHERE d.duty = 'officer' AND d.department = tell_officers.department AND d.valid @> current_date
		ORDER BY d.account) AS o;
END
$$;
COMMENT ON FUNCTION tell_officers(integer, text, bigint) IS
'writes a notice to each officer of a department';

CREATE OR REPLACE FUNCTION tell_centre(dispute bigint, kind text, responsible_too boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM send_notice(t.account, tell_centre.kind, tell_centre.dispute)
	FROM (
		SELECT c.account FROM (
			-- All who act for the centre that leads are equally near, and nearer than others.
			SELECT a.account, rank() OVER (ORDER BY l.leads DESC, CASE WHEN NOT l.leads THEN r.level END DESC) AS nearness
			FROM dispute d
				JOIN region r ON d.region BETWEEN r.code AND r.code_end
				JOIN account_duty a ON a.region = r.code AND a.duty = 'centre' AND a.valid @> current_date
				JOIN account o ON o.id = a.account AND o.active
				CROSS JOIN LATERAL (SELECT (centre_of(r.code) = d.centre) IS TRUE) AS l(leads)
			WHERE d.id = tell_centre.dispute) AS c
		WHERE c.nearness = 1
		UNION
		SELECT o.id FROM dispute d JOIN account o ON o.id = d.responsible AND o.active
		WHERE d.id = tell_centre.dispute AND responsible_too
		ORDER BY 1) AS t;
END
$$;
COMMENT ON FUNCTION tell_centre(bigint, text, boolean) IS
'writes a notice to the accounts of the centre that leads joint work on a dispute, or of the nearest that holds it, and where asked to, to the account that is responsible';

CREATE OR REPLACE FUNCTION place_offer(held dispute, department integer, leads boolean, done_by date) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	offered_at CONSTANT timestamptz := clock_timestamp();
	answer_within interval;
	placed bigint;
BEGIN
	SELECT coalesce(d.answer_within, interval '3 days') INTO answer_within
	FROM department d WHERE d.id = place_offer.department;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('department %s does not exist', coalesce(department::text, 'null'));
	END IF;
	INSERT INTO assignment (dispute, department, leads, offered_at, answer_by, done_by)
	VALUES (held.id, place_offer.department, place_offer.leads, offered_at,
		offered_at + answer_within, place_offer.done_by)
	RETURNING id INTO placed;
	UPDATE dispute d SET
		open_work = d.open_work + 1,
		departments = CASE WHEN d.departments @> ARRAY[place_offer.department] THEN d.departments
			ELSE d.departments || place_offer.department END
	WHERE d.id = held.id;
	PERFORM tell_officers(department, 'assignment', held.id);
	RETURN placed;
END
$$;
COMMENT ON FUNCTION place_offer(dispute, integer, boolean, date) IS
'offers a dispute, which the caller has locked, to a department';

CREATE OR REPLACE FUNCTION end_assignment(given assignment, ending text, reason text) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	left_over integer;
BEGIN
	UPDATE assignment a SET
		state = ending,
		ended_at = clock_timestamp(),
		account = CASE WHEN ending = 'revoked' THEN a.account ELSE current_account() END,
		reason = end_assignment.reason
	WHERE a.id = given.id;
	UPDATE dispute d SET open_work = d.open_work - 1 WHERE d.id = given.dispute
	RETURNING d.open_work INTO left_over;
	RETURN left_over;
END
$$;
COMMENT ON FUNCTION end_assignment(assignment, text, text) IS
'ends an assignment, which the caller has locked after its dispute: returned, done or revoked; returns how many are left';

CREATE OR REPLACE FUNCTION give_back(given assignment, ending text, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM end_assignment(given, ending, reason);
	IF given.leads THEN
		/*
		 * Before 14 a server does not tell that a column was set to what it was,
		 * so that the same reason twice would be none given.
		 */
		UPDATE dispute d SET reason = NULL
		WHERE d.id = given.dispute AND d.state = 'assigned' AND d.reason = give_back.reason;
		-- The trigger revokes what was offered to others.
		UPDATE dispute d SET state = 'collected', reason = give_back.reason
		WHERE d.id = given.dispute AND d.state = 'assigned';
	END IF;
END
$$;
COMMENT ON FUNCTION give_back(assignment, text, text) IS
'ends an offer that nobody took up; where it was to lead, and the case is not being handled, that goes back to collected';

CREATE OR REPLACE FUNCTION offer_assignment(dispute bigint, department integer, leads boolean, done_by date DEFAULT NULL,
	responsible text DEFAULT NULL, leader text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	held dispute;
	live assignment;
	leading_centre text;
	placed bigint;
BEGIN
	held := lock_case_of_centre(dispute, format('dispute %s', coalesce(dispute::text, 'null')));
	IF leads IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'whether the department leads must be given';
	END IF;
	IF NOT leads AND num_nonnulls(responsible, leader) > 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'responsible and leader go with the department that leads';
	END IF;
	IF done_by < current_date THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'work cannot be due before it is offered';
	END IF;
	IF NOT is_open(held.state) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s', held.id, held.state),
			DETAIL = 'Only an open one is given to departments.';
	END IF;
	IF NOT leads AND held.state = 'collected' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s: no department leads it', held.id, held.state),
			HINT = 'Offer it first to the department that is to lead.';
	END IF;
	SELECT a.* INTO live FROM assignment a
	WHERE a.dispute = held.id AND a.department = offer_assignment.department AND a.state IN ('offered', 'accepted');
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('department %s has dispute %s already', live.department, held.id),
			DETAIL = format('Assignment %s is %s.', live.id, live.state);
	END IF;
	SELECT a.* INTO live FROM assignment a
	WHERE offer_assignment.leads AND a.dispute = held.id AND a.leads AND a.state IN ('offered', 'accepted');
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('department %s leads dispute %s already', live.department, held.id),
			DETAIL = format('Assignment %s is %s.', live.id, live.state),
			HINT = 'replace_leading() puts another department in its place.';
	END IF;
	-- Two or more: the nearest centre that the account acts for leads joint work.
	IF held.open_work > 0 AND held.centre IS NULL THEN
		SELECT r.code INTO leading_centre FROM region r
		WHERE r.code = ANY (my_centres()) AND held.region BETWEEN r.code AND r.code_end
		ORDER BY r.level DESC LIMIT 1;
		IF NOT FOUND THEN
			RAISE object_not_in_prerequisite_state USING
				MESSAGE = format('there is no centre to lead joint work on dispute %s', held.id),
				DETAIL = 'Neither the region where you are a centre nor one above it stands in table centre.';
		END IF;
	END IF;
	placed := place_offer(held, department, leads, done_by);
	IF leads THEN
		UPDATE dispute d SET
			state = CASE WHEN d.state = 'collected' THEN 'assigned' ELSE d.state END,
			responsible = coalesce(offer_assignment.responsible, d.responsible),
			leader = coalesce(offer_assignment.leader, d.leader)
		WHERE d.id = held.id;
	END IF;
	IF leading_centre IS NOT NULL THEN
		UPDATE dispute d SET centre = leading_centre WHERE d.id = held.id;
	END IF;
	RETURN placed;
END
$$;
COMMENT ON FUNCTION offer_assignment(bigint, integer, boolean, date, text, text) IS
'a centre offers a dispute to a department, which is to lead or to join; with the one that leads the case is assigned, and who is responsible, and the leader, are set where given; returns the assignment';

CREATE OR REPLACE FUNCTION accept_assignment(assignment bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given assignment;
BEGIN
	given := lock_assignment_of_officer(assignment);
	PERFORM require_assignment_state(given, '{offered}');
	UPDATE assignment a SET state = 'accepted', account = current_account() WHERE a.id = given.id;
	IF given.leads THEN
		UPDATE dispute d SET state = 'handling' WHERE d.id = given.dispute AND d.state = 'assigned';
	END IF;
END
$$;
COMMENT ON FUNCTION accept_assignment(bigint) IS
'an officer accepts what the department was offered; where it leads, the case is being handled from now on';

CREATE OR REPLACE FUNCTION return_assignment(assignment bigint, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given assignment;
BEGIN
	given := lock_assignment_of_officer(assignment);
	PERFORM require_assignment_state(given, '{offered}');
	PERFORM require_reason(reason);
	PERFORM give_back(given, 'returned', reason);
	PERFORM tell_centre(given.dispute, 'returned', false);
END
$$;
COMMENT ON FUNCTION return_assignment(bigint, text) IS
'an officer returns what the department was offered; where it was to lead, the case goes back to collected, and what was offered to others is revoked';

CREATE OR REPLACE FUNCTION finish_assignment(assignment bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given assignment;
BEGIN
	given := lock_assignment_of_officer(assignment);
	PERFORM require_assignment_state(given, '{accepted}');
	IF end_assignment(given, 'done', NULL) = 0 THEN
		PERFORM tell_centre(given.dispute, 'work_done', true);
	END IF;
END
$$;
COMMENT ON FUNCTION finish_assignment(bigint) IS
'an officer says that the department''s work is done; after the last one the centre and who is responsible are told';

CREATE OR REPLACE FUNCTION revoke_assignment(assignment bigint, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	given assignment;
BEGIN
	PERFORM lock_case_of_centre((SELECT a.dispute FROM assignment a WHERE a.id = revoke_assignment.assignment),
		format('assignment %s', coalesce(assignment::text, 'null')));
	SELECT a.* INTO STRICT given FROM assignment a WHERE a.id = revoke_assignment.assignment FOR NO KEY UPDATE;
	PERFORM require_assignment_state(given, '{offered,accepted}');
	PERFORM require_reason(reason);
	IF given.leads AND given.state = 'accepted' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('assignment %s is accepted, and leads', given.id),
			HINT = 'replace_leading() puts another department in its place.';
	END IF;
	PERFORM give_back(given, 'revoked', reason);
	PERFORM tell_officers(given.department, 'revoked', given.dispute);
END
$$;
COMMENT ON FUNCTION revoke_assignment(bigint, text) IS
'a centre takes back what it has given to a department, save an accepted one that leads; with an offer to lead the case goes back to collected';

CREATE OR REPLACE FUNCTION replace_leading(dispute bigint, department integer, reason text, done_by date DEFAULT NULL,
	responsible text DEFAULT NULL, leader text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	held dispute;
	led assignment;
	joining assignment;
	placed bigint;
BEGIN
	held := lock_case_of_centre(dispute, format('dispute %s', coalesce(dispute::text, 'null')));
	PERFORM require_reason(reason);
	IF done_by < current_date THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'work cannot be due before it is offered';
	END IF;
	SELECT a.* INTO led FROM assignment a
	WHERE a.dispute = held.id AND a.leads AND a.state IN ('offered', 'accepted')
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s, and no department leads it', held.id, held.state),
			HINT = 'offer_assignment() gives it to one.';
	END IF;
	IF led.department = department THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('department %s leads dispute %s already', department, held.id),
			DETAIL = format('Assignment %s is %s.', led.id, led.state);
	END IF;
	PERFORM end_assignment(led, 'revoked', reason);
	PERFORM tell_officers(led.department, 'revoked', held.id);
	-- To lead is more than to join: who has joined is asked anew.
	SELECT a.* INTO joining FROM assignment a
	WHERE a.dispute = held.id AND a.department = replace_leading.department AND a.state IN ('offered', 'accepted')
	FOR NO KEY UPDATE;
	IF FOUND THEN
		PERFORM end_assignment(joining, 'revoked', reason);
	END IF;
	placed := place_offer(held, department, true, coalesce(done_by, led.done_by));
	UPDATE dispute d SET
		responsible = coalesce(replace_leading.responsible, d.responsible),
		leader = coalesce(replace_leading.leader, d.leader)
	WHERE d.id = held.id AND num_nonnulls(replace_leading.responsible, replace_leading.leader) > 0;
	RETURN placed;
END
$$;
COMMENT ON FUNCTION replace_leading(bigint, integer, text, date, text, text) IS
'a centre revokes the assignment that leads, accepted or not, and offers the lead to another department; the state of the case stays, and so does the term where no other is given; returns the new assignment';

CREATE OR REPLACE FUNCTION revoke_assignments() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	ended integer[];
BEGIN
	WITH ended AS (
		UPDATE assignment a SET state = 'revoked', ended_at = clock_timestamp(), reason = NEW.reason
		WHERE a.dispute = NEW.id
			AND (a.state = 'offered' OR a.state = 'accepted' AND (a.leads OR NEW.state <> 'collected'))
		RETURNING a.department
	)
	SELECT array_agg(e.department ORDER BY e.department) INTO ended FROM ended e;
	IF ended IS NOT NULL THEN
		UPDATE dispute d SET open_work = d.open_work - cardinality(ended) WHERE d.id = NEW.id;
		PERFORM tell_officers(e.department, 'revoked', NEW.id) FROM unnest(ended) AS e(department);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION revoke_assignments() IS
'trigger: revokes what is live of a dispute that was transferred or voided; of one that went back to collected, the lead and the offers';

CREATE OR REPLACE VIEW unanswered_offers @row_view@ AS
SELECT a.id AS assignment, a.dispute, d.region, d.risk, a.department, a.leads, a.offered_at, a.answer_by
FROM assignment a JOIN dispute d ON d.id = a.dispute
WHERE (@row_scope@) AND a.state = 'offered' AND a.answer_by < now();
COMMENT ON VIEW unanswered_offers IS 'offers to departments that should have been answered, of disputes that the acting account may see';
COMMENT ON COLUMN unanswered_offers.assignment IS 'the assignment';
COMMENT ON COLUMN unanswered_offers.dispute IS 'the dispute';
COMMENT ON COLUMN unanswered_offers.region IS 'region that holds the case';
COMMENT ON COLUMN unanswered_offers.risk IS 'its risk';
COMMENT ON COLUMN unanswered_offers.department IS 'department that has not answered';
COMMENT ON COLUMN unanswered_offers.leads IS 'whether it was offered to lead';
COMMENT ON COLUMN unanswered_offers.offered_at IS 'when it was offered';
COMMENT ON COLUMN unanswered_offers.answer_by IS 'until when an answer was due';

CREATE OR REPLACE VIEW late_work @row_view@ AS
SELECT a.id AS assignment, a.dispute, d.region, d.risk, a.department, a.leads, a.state, a.account, a.done_by,
	current_date - a.done_by AS days_late
FROM assignment a JOIN dispute d ON d.id = a.dispute
WHERE (@row_scope@) AND a.state IN ('offered', 'accepted') AND a.done_by < current_date;
COMMENT ON VIEW late_work IS 'work of departments that should have been done, of disputes that the acting account may see';
COMMENT ON COLUMN late_work.assignment IS 'the assignment';
COMMENT ON COLUMN late_work.dispute IS 'the dispute';
COMMENT ON COLUMN late_work.region IS 'region that holds the case';
COMMENT ON COLUMN late_work.risk IS 'its risk';
COMMENT ON COLUMN late_work.department IS 'department whose work it is';
COMMENT ON COLUMN late_work.leads IS 'whether it leads';
COMMENT ON COLUMN late_work.state IS 'offered or accepted';
COMMENT ON COLUMN late_work.account IS 'officer who accepted it';
COMMENT ON COLUMN late_work.done_by IS 'until when the work was due';
COMMENT ON COLUMN late_work.days_late IS 'how many days ago that was';
$script$),

('assignment triggers', 41, 1, $script$
CREATE TRIGGER revoke_assignments AFTER UPDATE ON dispute FOR EACH ROW
	WHEN (OLD.state <> NEW.state AND NEW.state IN ('collected', 'transferred', 'voided') AND NEW.open_work > 0)
	EXECUTE FUNCTION revoke_assignments();
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{centre}', 'EXECUTE', 'FUNCTION offer_assignment(bigint, integer, boolean, date, text, text), '
		'revoke_assignment(bigint, text), replace_leading(bigint, integer, text, date, text, text)'),
	('{officer}', 'EXECUTE', 'FUNCTION accept_assignment(bigint), return_assignment(bigint, text), '
		'finish_assignment(bigint)'),
	('{officer,centre,leader,inspector}', 'SELECT', 'unanswered_offers, late_work');
