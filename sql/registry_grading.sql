-- registry_grading: graded control, that is, which level holds a case of a risk

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('graded control', 47, NULL, $script$
CREATE OR REPLACE FUNCTION leads_in(account text, region text, lowest_level integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM account_duty d JOIN region r ON r.code = d.region
		WHERE d.account = leads_in.account AND d.duty = 'leader' AND d.valid @> current_date
			AND r.level <= lowest_level AND leads_in.region BETWEEN r.code AND r.code_end);
END
$$;
COMMENT ON FUNCTION leads_in(text, text, integer) IS
'whether an account is today a leader of a region, at this level or above, that a region belongs to';

CREATE OR REPLACE FUNCTION holder_above(region text, lowest_level integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN (SELECT r.code FROM region r
		WHERE holder_above.region BETWEEN r.code AND r.code_end AND r.level <= lowest_level
			AND r.valid @> current_date
		ORDER BY r.level DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION holder_above(text, integer) IS
'the nearest region, at this level or above, that a region belongs to or is';

/*
 * A case that is only recorded is held by nobody yet: members of a village report
 * what they find there, whatever its risk.  Whoever gives it to a department, or
 * raises its risk later, takes it to where it may be held, in the same statement.
 */
CREATE OR REPLACE FUNCTION check_grade() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	levels CONSTANT text[] := '{the city,a county,a township,a village}';
	lowest integer;
	held_at integer;
	holder text;
BEGIN
	SELECT r.lowest_level INTO lowest FROM risk_level_region r WHERE r.risk = NEW.risk;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT r.level INTO held_at FROM region r WHERE r.code = NEW.region;
	IF held_at > lowest THEN
		holder := holder_above(NEW.region, lowest);
		RAISE SQLSTATE 'VC006' USING
			MESSAGE = format('dispute %s is %s and cannot be held by %s', NEW.id, NEW.risk, levels[held_at]),
			DETAIL = format('Region %s is %s; such a case is held by %s%s.', NEW.region, levels[held_at],
				levels[lowest], CASE WHEN lowest > 1 THEN ' or above' ELSE '' END),
			HINT = CASE WHEN holder IS NULL THEN 'It belongs to no region that might hold it.'
				ELSE format('Set region to %s before, or in the same statement, or call escalate().', holder) END,
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'region', CONSTRAINT = 'dispute_graded_control';
	END IF;
	IF NEW.leader IS NOT NULL AND NOT leads_in(NEW.leader, NEW.region, lowest) THEN
		RAISE SQLSTATE 'VC006' USING
			MESSAGE = format('account "%s" cannot be the leader of dispute %s', NEW.leader, NEW.id),
			DETAIL = format('The case is %s; it is led by a leader of %s%s that region %s belongs to.', NEW.risk,
				levels[lowest], CASE WHEN lowest > 1 THEN ' or above' ELSE '' END, NEW.region),
			HINT = 'Name an account that has the duty of a leader there today.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'leader', CONSTRAINT = 'dispute_graded_control';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_grade() IS
'trigger: refuses a dispute that is held, or led, below the level that its risk asks for';

CREATE OR REPLACE FUNCTION report_misheld() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	misheld bigint;
BEGIN
	SELECT count(*) INTO misheld
	FROM dispute d JOIN region r ON r.code = d.region JOIN risk_level_region g ON g.risk = d.risk
	WHERE d.state IN ('assigned', 'handling', 'supervised', 'fed_back', 'assessed')
		AND (r.level > g.lowest_level OR NOT leads_in(d.leader, d.region, g.lowest_level));
	IF misheld > 0 THEN
		RAISE WARNING USING
			MESSAGE = format(CASE misheld WHEN 1 THEN '%s dispute does not fit graded control'
				ELSE '%s disputes do not fit graded control' END, misheld),
			HINT = 'View misheld_disputes says which, and who may hold them. They are worked on as before.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION report_misheld() IS
'trigger: warns of disputes that are held or led too low after a change of the rule';

CREATE OR REPLACE FUNCTION escalate(dispute bigint, risk risk_level, reason text,
	leader text DEFAULT NULL, grounds text[] DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	acting CONSTANT text := current_account();
	officer_of CONSTANT integer[] := my_departments();
	present dispute;
	lowest integer;
	holder text;
	told text;
BEGIN
	IF acting IS NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'nobody is known to act',
			HINT = 'Open a session, or connect as a role that is an account.';
	END IF;
	SELECT d.* INTO present FROM dispute d
	WHERE d.id = escalate.dispute
		AND (EXISTS (SELECT FROM duty_ranges('{centre,leader,inspector}') s WHERE d.region BETWEEN s.code AND s.code_end)
			OR d.departments && officer_of)
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('dispute %s does not exist, or is not yours', coalesce(escalate.dispute::text, 'null'));
	END IF;
	IF escalate.risk IS NULL OR escalate.risk < present.risk THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('dispute %s cannot be escalated from %s to %s', present.id, present.risk,
				coalesce(escalate.risk::text, 'null')),
			HINT = 'An escalation raises the risk, or leaves it.';
	END IF;
	IF present.state IN ('closed', 'transferred', 'voided') THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s', present.id, present.state),
			HINT = 'Where it goes on, take it back into handling first.';
	END IF;
	SELECT r.lowest_level INTO lowest FROM risk_level_region r WHERE r.risk = escalate.risk;
	holder := CASE WHEN lowest IS NULL THEN present.region ELSE holder_above(present.region, lowest) END;
	IF holder IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('no region may hold dispute %s as %s', present.id, escalate.risk),
			DETAIL = format('Region %s belongs to none of level %s or above.', present.region, lowest);
	END IF;
	IF (escalate.risk, holder) = (present.risk, present.region) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is %s already, and held where it may be', present.id, present.risk);
	END IF;
	-- What is raised while it is fed back or assessed goes back into handling.
	UPDATE dispute d SET risk = escalate.risk, region = holder, reason = escalate.reason,
		leader = coalesce(escalate.leader, d.leader), grounds = coalesce(escalate.grounds, d.grounds),
		state = CASE WHEN d.state IN ('fed_back', 'assessed') AND escalate.risk > d.risk THEN 'handling' ELSE d.state END
	WHERE d.id = present.id;
	FOR told IN
		SELECT DISTINCT n.id FROM account n
			LEFT JOIN account_duty a ON a.account = n.id AND a.duty = 'centre' AND a.region = holder
				AND a.valid @> current_date
		WHERE n.active AND n.id <> acting AND (a.account IS NOT NULL OR n.id = escalate.leader)
		ORDER BY n.id
	LOOP
		PERFORM send_notice(told, 'escalation', present.id);
	END LOOP;
	RETURN holder;
END
$$;
COMMENT ON FUNCTION escalate(bigint, risk_level, text, text, text[]) IS
'raises the risk of a dispute and takes it to the nearest region that may hold it, whose centre is told; returns that region';
$script$),

('graded control triggers', 48, 1, $script$
CREATE TRIGGER graded_control AFTER UPDATE ON dispute FOR EACH ROW
	WHEN (NEW.state IN ('assigned', 'handling', 'supervised', 'fed_back', 'assessed')
		AND (OLD.state NOT IN ('assigned', 'handling', 'supervised', 'fed_back', 'assessed')
			OR OLD.risk <> NEW.risk OR OLD.region <> NEW.region OR OLD.leader IS DISTINCT FROM NEW.leader))
	EXECUTE FUNCTION check_grade();
CREATE TRIGGER graded_control_insert AFTER INSERT ON dispute FOR EACH ROW
	WHEN (NEW.state IN ('assigned', 'handling', 'supervised', 'fed_back', 'assessed'))
	EXECUTE FUNCTION check_grade();
CREATE TRIGGER graded_control AFTER INSERT OR UPDATE OR DELETE ON risk_level_region FOR EACH STATEMENT
	EXECUTE FUNCTION report_misheld();
$script$),

('graded control views', 62, NULL, $script$
CREATE OR REPLACE VIEW misheld_disputes @row_view@ AS
SELECT d.id, d.region, r.level, d.risk, g.lowest_level,
	CASE WHEN r.level > g.lowest_level THEN holder_above(d.region, g.lowest_level) END AS holder,
	CASE WHEN NOT leads_in(d.leader, d.region, g.lowest_level) THEN d.leader END AS misplaced_leader
FROM dispute d
	JOIN region r ON r.code = d.region
	JOIN risk_level_region g ON g.risk = d.risk
WHERE (@row_scope@)
	AND d.state IN ('assigned', 'handling', 'supervised', 'fed_back', 'assessed')
	AND (r.level > g.lowest_level OR NOT leads_in(d.leader, d.region, g.lowest_level));
COMMENT ON VIEW misheld_disputes IS 'disputes that are held or led below the level that their risk asks for, after a change of the rule or of duties, of those that the acting account may see';
COMMENT ON COLUMN misheld_disputes.id IS 'number';
COMMENT ON COLUMN misheld_disputes.region IS 'region that holds the case';
COMMENT ON COLUMN misheld_disputes.level IS 'its level: 1 city, 2 county, 3 township, 4 village';
COMMENT ON COLUMN misheld_disputes.risk IS 'risk of the case';
COMMENT ON COLUMN misheld_disputes.lowest_level IS 'lowest level that may hold it and supply its leader';
COMMENT ON COLUMN misheld_disputes.holder IS 'nearest region above that may hold it; null: it is held where it may be';
COMMENT ON COLUMN misheld_disputes.misplaced_leader IS 'its leader, where that account is not one of this level there; null: nothing is wrong with the leader';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector}', 'SELECT', 'misheld_disputes'),
	('{member,officer,centre,leader,inspector}', 'EXECUTE',
		'FUNCTION leads_in(text, text, integer), holder_above(text, integer)'),
	('{officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION escalate(bigint, risk_level, text, text, text[])');
