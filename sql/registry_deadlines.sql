-- registry_deadlines: terms that the law sets, and who is told when they end

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('due table', 14, 1, $script$
CREATE TABLE due_sent (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('due', 'escalation')),
	deadline bigint REFERENCES deadline ON DELETE CASCADE,
	last_day date,
	dispute bigint REFERENCES dispute,
	term text,
	due_at timestamptz,
	sent_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (deadline, kind, last_day),
	UNIQUE (dispute, kind, term, due_at),
	CHECK (num_nonnulls(deadline, last_day) IN (0, 2)),
	CHECK (num_nonnulls(dispute, term, due_at) IN (0, 3)),
	CHECK ((deadline IS NULL) <> (dispute IS NULL))
);
SELECT describe_table('due_sent', 'what the due run has told of, so that it tells once', '{
	"id": "number",
	"kind": "due or escalation",
	"deadline": "deadline that was told of",
	"last_day": "its last day then; a deadline that moves is told of again",
	"dispute": "dispute that was told of, which is late under its policy",
	"term": "term of the policy: stay or contact",
	"due_at": "when it had been due",
	"sent_at": "when it was told"}');
$script$),

('deadlines', 17, NULL, $script$
/*
 * Whoever starts, meets or extends a deadline holds the calendar first and the
 * deadline after it, as set_calendar() does.
 */
CREATE OR REPLACE FUNCTION term_end(start date, amount integer, unit text) RETURNS date
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	last_day date;
BEGIN
	IF unit <> 'working_days' THEN
		RETURN CASE unit WHEN 'days' THEN start + amount
			ELSE (start + make_interval(months => amount))::date END;
	END IF;
	LOCK TABLE calendar IN ROW SHARE MODE;
	last_day := working_day(start, amount);
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		-- A snapshot older than the calendar in force: 40001.
		PERFORM FROM calendar c WHERE c.day IN (start, last_day) FOR SHARE;
	END IF;
	RETURN last_day;
END
$$;
COMMENT ON FUNCTION term_end(date, integer, text) IS
'last day of a term that runs from a day, which is not counted; a month ends on the day of that number, or on the last there is';

CREATE OR REPLACE FUNCTION begin_deadline(step text, petition bigint, dispute bigint, start date) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	number bigint;
BEGIN
	INSERT INTO deadline (rule, petition, dispute, started_on, started_by, due)
	SELECT r.id, begin_deadline.petition, begin_deadline.dispute, start, current_account(),
		term_end(start, r.amount, r.unit)
	FROM deadline_rule r
	WHERE r.subject = CASE WHEN begin_deadline.dispute IS NULL THEN 'petition' ELSE 'dispute' END
		AND r.step = begin_deadline.step
	ON CONFLICT DO NOTHING
	RETURNING id INTO number;
	RETURN number;
END
$$;
COMMENT ON FUNCTION begin_deadline(text, bigint, bigint, date) IS
'writes a deadline by the rule of a step, and returns its number; null where there is no such rule, or where one runs already';

CREATE OR REPLACE FUNCTION may_keep_term(petition bigint, dispute bigint, duties text[], officers boolean) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM (
			SELECT p.region, NULL::integer[] AS departments FROM petition p WHERE p.id = may_keep_term.petition
			UNION ALL
			SELECT d.region, d.departments FROM dispute d WHERE d.id = may_keep_term.dispute) s
		WHERE EXISTS (SELECT FROM duty_ranges(duties) r WHERE s.region BETWEEN r.code AND r.code_end)
			OR officers AND s.departments && my_departments());
END
$$;
COMMENT ON FUNCTION may_keep_term(bigint, bigint, text[], boolean) IS
'whether the acting account has one of these duties where a petition or a dispute is, or is an officer of a department that has it, where those may too';

CREATE OR REPLACE FUNCTION start_deadline(step text, petition bigint DEFAULT NULL, dispute bigint DEFAULT NULL,
	start date DEFAULT current_date) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	of_what CONSTANT text := CASE WHEN dispute IS NULL THEN 'petition' ELSE 'dispute' END;
	number bigint;
	case_state case_state;
	known text;
BEGIN
	IF num_nonnulls(petition, dispute) <> 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a deadline is for one petition or for one dispute';
	END IF;
	IF NOT may_keep_term(petition, dispute, '{centre}', false) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('%s %s does not exist, or is not yours', of_what, coalesce(dispute, petition)),
			HINT = 'A centre starts deadlines in its region.';
	END IF;
	IF start IS NULL OR start > current_date OR NOT isfinite(start) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a deadline starts today or earlier',
			DETAIL = format('It was to start on %s.', coalesce(start::text, 'null'));
	END IF;
	SELECT d.state INTO case_state FROM dispute d WHERE d.id = start_deadline.dispute;
	IF is_final(case_state) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s, and no term runs for it', dispute, case_state);
	END IF;
	LOCK TABLE calendar IN ROW SHARE MODE;
	number := begin_deadline(step, petition, dispute, start);
	IF number IS NULL THEN
		SELECT string_agg(r.step, ', ' ORDER BY r.id) INTO known
		FROM deadline_rule r WHERE r.subject = of_what;
		IF NOT EXISTS (SELECT FROM deadline_rule r
			WHERE r.subject = of_what AND r.step = start_deadline.step) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('there is no term %s of a %s', coalesce(quote_literal(step), 'null'), of_what),
				HINT = format('Terms are: %s.', coalesce(known, 'none'));
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('term %L of %s %s runs already', step, of_what, coalesce(dispute, petition)),
			HINT = 'It has to be met before it can start again.';
	END IF;
	RETURN number;
END
$$;
COMMENT ON FUNCTION start_deadline(text, bigint, bigint, date) IS
'starts the term of a step for a petition or a dispute, as the centre of its region, and returns the deadline';

CREATE OR REPLACE FUNCTION meet_deadline(deadline bigint, day date DEFAULT current_date,
	goes_on boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	running deadline;
	step text;
BEGIN
	LOCK TABLE calendar IN ROW SHARE MODE;
	SELECT d.* INTO running FROM deadline d
	WHERE d.id = meet_deadline.deadline AND may_keep_term(d.petition, d.dispute, '{centre}', true)
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('deadline %s does not exist, or is not yours', coalesce(deadline::text, 'null')),
			HINT = 'The centre of its region meets it, and for a dispute an officer of a department that has it.';
	END IF;
	IF running.met_on IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('deadline %s was met on %s', deadline, running.met_on);
	END IF;
	IF day IS NULL OR day > current_date OR day < running.started_on OR NOT isfinite(day) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a deadline is met between its start and today',
			DETAIL = format('It was to be met on %s%s.', coalesce(day::text, 'null'),
				', and started on ' || running.started_on);
	END IF;
	UPDATE deadline d SET met_on = day WHERE d.id = running.id;
	SELECT r.step INTO step FROM deadline_rule r WHERE r.id = running.rule;
	IF running.petition IS NOT NULL AND step = 'accept' AND goes_on THEN
		RETURN begin_deadline('answer', running.petition, NULL, day);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION meet_deadline(bigint, date, boolean) IS
'says on which day a deadline was met; with the acceptance of a petition the term of its answer starts, unless it does not go on because it was turned away; returns that deadline';

/*
 * An extension takes a second person: neither who started the term nor who is
 * responsible for the dispute approves it.
 */
CREATE OR REPLACE FUNCTION extend_deadline(deadline bigint, reason text) RETURNS date
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	running deadline;
	rule deadline_rule;
	responsible text;
	extended date;
BEGIN
	LOCK TABLE calendar IN ROW SHARE MODE;
	SELECT d.* INTO running FROM deadline d
	WHERE d.id = extend_deadline.deadline AND may_keep_term(d.petition, d.dispute, '{centre,leader}', false)
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('deadline %s does not exist, or is not yours', coalesce(deadline::text, 'null')),
			HINT = 'A centre or a leader of its region extends it.';
	END IF;
	SELECT d.responsible INTO responsible FROM dispute d
	WHERE d.id = coalesce(running.dispute, (SELECT p.dispute FROM petition p WHERE p.id = running.petition));
	IF current_account() IN (running.started_by, responsible) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the extension of deadline %s takes the approval of another account', deadline),
			DETAIL = CASE WHEN current_account() = responsible
				THEN 'The acting account is responsible for the dispute.'
				ELSE 'The acting account has started the term.' END;
	END IF;
	IF reason IS NULL OR btrim(reason) = '' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a reason must be given';
	END IF;
	SELECT r.* INTO STRICT rule FROM deadline_rule r WHERE r.id = running.rule;
	IF running.met_on IS NOT NULL OR running.extended_to IS NOT NULL OR running.due < current_date
		OR rule.extend_by IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('deadline %s cannot be extended', deadline),
			DETAIL = CASE WHEN running.met_on IS NOT NULL THEN format('It was met on %s.', running.met_on)
				WHEN running.extended_to IS NOT NULL THEN format('It was extended to %s.', running.extended_to)
				WHEN rule.extend_by IS NULL THEN format('The term %L of a %s has no extension.', rule.step, rule.subject)
				ELSE format('It passed on %s.', running.due) END;
	END IF;
	extended := term_end(running.due, rule.extend_by, rule.unit);
	UPDATE deadline d SET extended_to = extended, approved_by = current_account(), reason = extend_deadline.reason
	WHERE d.id = running.id;
	RETURN extended;
END
$$;
COMMENT ON FUNCTION extend_deadline(bigint, text) IS
'extends a deadline once, before it passes, by what its rule allows, with the approval of the acting account, a centre or a leader of the region; returns the new last day';

/*
 * The term of mediation is counted from when the case comes to handling, and is
 * met when it is fed back or transferred.  A result that is sent back was none, so
 * that the term goes on from where it began; a case that comes back from its end
 * is mediated anew.
 */
CREATE OR REPLACE FUNCTION keep_mediation_term() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	-- The transition's own link: it says when this happened.
	day CONSTANT date := (SELECT f.happened_at::date FROM follow_up f WHERE f.id = NEW.id ORDER BY f.seq DESC LIMIT 1);
	of_mediation CONSTANT bigint := (SELECT r.id FROM deadline_rule r WHERE r.subject = 'dispute' AND r.step = 'mediate');
	newest bigint;
BEGIN
	IF NEW.state NOT IN ('handling', 'supervised') THEN
		UPDATE deadline d SET met_on = greatest(day, d.started_on)
		WHERE d.dispute = NEW.id AND d.rule = of_mediation AND d.met_on IS NULL;
		RETURN NULL;
	END IF;
	LOCK TABLE calendar IN ROW SHARE MODE;
	IF OLD.state IN ('fed_back', 'assessed') THEN
		SELECT d.id INTO newest FROM deadline d
		WHERE d.dispute = NEW.id AND d.rule = of_mediation ORDER BY d.id DESC LIMIT 1;
		IF FOUND THEN
			UPDATE deadline d SET met_on = NULL WHERE d.id = newest;
			RETURN NULL;
		END IF;
	END IF;
	PERFORM begin_deadline('mediate', NULL, NEW.id, day);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION keep_mediation_term() IS
'starts the term of mediation of a dispute that comes to handling, and meets that of one that leaves it';

/* ---- Who is told ------------------------------------------------------------ */

CREATE OR REPLACE FUNCTION told_of_term(kind text, region text, dispute bigint, day date) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	of_case record;
BEGIN
	SELECT d.responsible, CASE WHEN kind = 'escalation' THEN d.leader END AS leader, d.centre
	INTO of_case FROM dispute d WHERE d.id = told_of_term.dispute;
	RETURN QUERY
	SELECT DISTINCT a.id COLLATE "C" FROM (
		SELECT n.account FROM (
			SELECT d.account, rank() OVER (ORDER BY r.level DESC) AS nearness
			FROM account_duty d
				JOIN region r ON r.code = d.region
				JOIN account c ON c.id = d.account AND c.active
			WHERE d.duty = 'centre' AND d.valid @> day
				AND coalesce(of_case.centre, told_of_term.region) BETWEEN r.code AND r.code_end) n
		WHERE n.nearness = 1
		UNION ALL VALUES (of_case.responsible), (of_case.leader)) AS t(account)
		JOIN account a ON a.id = t.account AND a.active
	ORDER BY 1;
END
$$;
COMMENT ON FUNCTION told_of_term(text, text, bigint, date) IS
'accounts that are told of a term: the nearest centre, or the one that leads joint work; who is responsible for the dispute; and in an escalation its leader';

CREATE OR REPLACE FUNCTION due_run(ahead integer DEFAULT 3, at timestamptz DEFAULT now(),
	OUT due bigint, OUT escalation bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	day CONSTANT date := at::date;
	ending record;
	told bigint;
BEGIN
	IF ahead IS NULL OR ahead < 0 OR at IS NULL OR NOT isfinite(at) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the due run takes a number of days to look ahead, and a time';
	END IF;
	due := 0;
	escalation := 0;
	FOR ending IN
		WITH of_deadlines AS (
			INSERT INTO due_sent AS s (kind, deadline, last_day)
			SELECT CASE WHEN d.last_day < day THEN 'escalation' ELSE 'due' END, d.id, d.last_day
			FROM (SELECT d.id, coalesce(d.extended_to, d.due) AS last_day FROM deadline d
				WHERE d.met_on IS NULL AND coalesce(d.extended_to, d.due) <= day + ahead) d
			ORDER BY d.id
			ON CONFLICT DO NOTHING
			RETURNING s.id, s.kind, s.deadline
		), of_policy AS (
			INSERT INTO due_sent AS s (kind, dispute, term, due_at)
			SELECT 'escalation', o.case_key::bigint, o.reason, o.due_at
			FROM overdue('dispute', at) o
			ORDER BY 2, 3
			ON CONFLICT DO NOTHING
			RETURNING s.id, s.kind, s.dispute
		)
		SELECT ARRAY[o.id] AS sent, o.kind, o.deadline, coalesce(d.dispute, p.dispute) AS dispute,
			coalesce(c.region, p.region) AS region
		FROM of_deadlines o
			JOIN deadline d ON d.id = o.deadline
			LEFT JOIN petition p ON p.id = d.petition
			LEFT JOIN dispute c ON c.id = d.dispute
		UNION ALL
		SELECT array_agg(o.id), o.kind, NULL::bigint, c.id, c.region
		FROM of_policy o JOIN dispute c ON c.id = o.dispute
		GROUP BY o.kind, c.id
		ORDER BY deadline, dispute
	LOOP
		SELECT count(*) INTO told FROM (
			SELECT send_notice(t.account, ending.kind, ending.dispute, NULL, ending.deadline)
			FROM told_of_term(ending.kind, ending.region, ending.dispute, day) AS t(account) OFFSET 0) n;
		IF told = 0 THEN
			-- Nobody there to be told: perhaps tomorrow.
			DELETE FROM due_sent s WHERE s.id = ANY (ending.sent);
		END IF;
		IF ending.kind = 'due' THEN
			due := due + told;
		ELSE
			escalation := escalation + told;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION due_run(integer, timestamptz) IS
'to be called every day: notices of deadlines that end within some days, and of those and of disputes under terms of their policy that are late, each told once; returns how many were written';
$script$),

('mediation term', 42, 1, $script$
CREATE TRIGGER keep_mediation_term AFTER UPDATE OF state ON dispute FOR EACH ROW
	WHEN ((OLD.state IN ('handling', 'supervised')) <> (NEW.state IN ('handling', 'supervised')))
	EXECUTE FUNCTION keep_mediation_term();
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{centre}', 'EXECUTE', 'FUNCTION start_deadline(text, bigint, bigint, date)'),
	('{officer,centre}', 'EXECUTE', 'FUNCTION meet_deadline(bigint, date, boolean)'),
	('{centre,leader}', 'EXECUTE', 'FUNCTION extend_deadline(bigint, text)');
