-- registry_calendar: working days, and what is due after so many of them

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('calendar', 16, NULL, $script$
/*
 * It runs as the owner, so that triggers and runs without an account count as
 * accounts do: which days are worked is no secret.
 */
CREATE OR REPLACE FUNCTION working_day(start date, n integer) RETURNS date
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	found_day date;
	extent record;
BEGIN
	IF n < 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'number of working days must not be negative',
			DETAIL = format('It is %s.', n);
	END IF;
	SELECT c.day INTO found_day
	FROM calendar s JOIN calendar c ON c.working AND c.working_no = s.working_no + n::bigint
	WHERE s.day = start;
	IF NOT FOUND THEN
		SELECT min(c.day) AS first_day, max(c.day) AS last_day INTO extent FROM calendar c;
		RAISE datetime_field_overflow USING
			MESSAGE = format('working day %s after %s is outside the calendar', n, start),
			DETAIL = CASE WHEN extent.last_day IS NULL THEN 'The calendar is empty.'
				ELSE format('The calendar begins on %s and ends on %s.', extent.first_day, extent.last_day) END,
			HINT = 'set_calendar() enters more days.';
	END IF;
	RETURN found_day;
END
$$;
COMMENT ON FUNCTION working_day(date, integer) IS
'day that ends a term of so many working days from a start that is not counted; from a day off the next working day is the first; 22008 outside the calendar';

/*
 * Whoever computes a day of a deadline holds the calendar in ROW SHARE mode
 * first, and the deadline after it: so this waits for them, and then sees what
 * they have written.
 */
CREATE OR REPLACE FUNCTION set_calendar(first_day date, last_day date,
	holidays date[] DEFAULT '{}', worked date[] DEFAULT '{}',
	OUT deadline bigint, OUT due_before date, OUT due_after date) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	old_days calendar[];
	wrong text;
	unmet record;
	new_due date;
	new_extended date;
BEGIN
	-- The owner of the registry fills it before there is any account.
	IF NOT has_duty('admin') AND NOT pg_has_role(session_user, current_user, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'the calendar is not yours to set',
			HINT = 'An account with the duty admin sets it, or the registry''s owner.';
	END IF;
	IF num_nulls(first_day, last_day, holidays, worked) > 0 OR last_day < first_day
		OR NOT isfinite(first_day) OR NOT isfinite(last_day) OR last_day - first_day > 36600 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'invalid days of a calendar',
			DETAIL = format('They are to go from %s to %s.',
				coalesce(first_day::text, 'null'), coalesce(last_day::text, 'null')),
			HINT = 'Give a first day, a last day at most a hundred years later, and two lists of days.';
	END IF;
	SELECT CASE WHEN d.day IS NULL THEN 'A day in the lists is null.'
			WHEN d.day NOT BETWEEN first_day AND last_day THEN format('%s is not one of them.', d.day)
			WHEN d.lists = 2 THEN format('%s is both a holiday and worked.', d.day)
			ELSE format('%s is to be worked, and is from Monday to Friday anyway.', d.day) END
	INTO wrong
	FROM (SELECT l.day, count(DISTINCT l.list) AS lists, bool_or(l.list = 2) AS is_worked
		FROM (SELECT h, 1 FROM unnest(holidays) h UNION ALL SELECT w, 2 FROM unnest(worked) w) AS l(day, list)
		GROUP BY l.day) d
	WHERE d.day IS NULL OR d.day NOT BETWEEN first_day AND last_day OR d.lists = 2
		OR d.is_worked AND extract(isodow FROM d.day) < 6
	ORDER BY d.day LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('invalid list of days from %s to %s', first_day, last_day),
			DETAIL = wrong,
			HINT = 'Holidays are days off; worked are Saturdays and Sundays that make up for them.';
	END IF;
	PERFORM require_read_committed('set_calendar()');
	LOCK TABLE calendar IN EXCLUSIVE MODE;
	old_days := ARRAY(SELECT c FROM calendar c);
	IF old_days <> '{}' AND NOT EXISTS (SELECT FROM calendar c
		WHERE c.day BETWEEN first_day - 1 AND last_day + 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the calendar would have a gap',
			DETAIL = (SELECT format('It goes from %s to %s, and would go on from %s to %s.',
				min(c.day), max(c.day), first_day, last_day) FROM calendar c),
			HINT = 'Enter the days between as well.';
	END IF;

	-- Numbers are unique at every moment, so that rows make place before others come.
	DELETE FROM calendar;
	INSERT INTO calendar (day, working, working_no)
	SELECT n.day, n.working, count(*) FILTER (WHERE n.working) OVER (ORDER BY n.day)
	FROM (
		SELECT o.day, o.working FROM unnest(old_days) o WHERE o.day NOT BETWEEN first_day AND last_day
		UNION ALL
		SELECT d.day, CASE WHEN extract(isodow FROM d.day) < 6
			THEN d.day <> ALL (holidays) ELSE d.day = ANY (worked) END
		FROM (SELECT first_day + g FROM generate_series(0, last_day - first_day) g) AS d(day)) AS n;

	/*
	 * The length of a term is what it was under the old calendar, whatever its rule
	 * says by now.  Where its start is not known, it is the last that leads there.
	 */
	FOR unmet IN
		SELECT d.id, d.due, d.extended_to, s.day AS start,
			u.working_no - s.working_no AS days, x.working_no - u.working_no AS more_days
		FROM deadline d
			JOIN deadline_rule r ON r.id = d.rule AND r.unit = 'working_days'
			JOIN unnest(old_days) u ON u.day = d.due
			LEFT JOIN unnest(old_days) b ON b.working AND b.working_no = u.working_no - r.amount
			JOIN unnest(old_days) s ON s.day = coalesce(d.started_on, b.day)
			LEFT JOIN unnest(old_days) x ON x.day = d.extended_to
		WHERE d.met_on IS NULL
		ORDER BY d.id
		FOR NO KEY UPDATE OF d
	LOOP
		new_due := working_day(unmet.start, unmet.days);
		new_extended := working_day(new_due, unmet.more_days);
		IF (new_due, new_extended) IS DISTINCT FROM (unmet.due, unmet.extended_to) THEN
			UPDATE deadline d SET due = new_due, extended_to = new_extended WHERE d.id = unmet.id;
		END IF;
		deadline := unmet.id;
		due_before := coalesce(unmet.extended_to, unmet.due);
		due_after := coalesce(new_extended, new_due);
		IF due_after <> due_before THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION set_calendar(date, date, date[], date[]) IS
'says which days from a first to a last are worked: Monday to Friday but holidays, and those Saturdays and Sundays that are named; numbers all working days anew, and returns the unmet deadlines that this moves, with their last days before and after';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector,importer,admin}', 'SELECT', 'calendar'),
	('{all}', 'EXECUTE', 'FUNCTION working_day(date, integer)'),
	('{admin}', 'EXECUTE', 'FUNCTION set_calendar(date, date, date[], date[])');
