-- registry_reassign: what one leaves, another takes over

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('reassigning', 26, NULL, $script$
CREATE OR REPLACE FUNCTION require_account_in_charge(account text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	inside bigint;
	going_on_outside bigint;
BEGIN
	SELECT count(*) FILTER (WHERE of_mine), count(*) FILTER (WHERE NOT of_mine AND goes_on)
	INTO inside, going_on_outside
	FROM account_duty d
		LEFT JOIN department p ON p.id = d.department
		JOIN region r ON r.code = coalesce(d.region, p.region)
		CROSS JOIN LATERAL (SELECT d.valid && daterange(current_date, NULL), EXISTS (
			SELECT FROM duty_ranges('{centre,admin}') s WHERE r.code >= s.code AND r.code_end <= s.code_end)
			) AS t(goes_on, of_mine)
	WHERE d.account = require_account_in_charge.account;
	IF inside = 0 OR going_on_outside > 0 THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('account %s does not exist, or is not yours', coalesce(account, 'null')),
			HINT = 'A centre or an admin reassigns between accounts that work in its own region, and nowhere else.';
	END IF;
END
$$;
COMMENT ON FUNCTION require_account_in_charge(text) IS
'raises an error where an account works, or is yet to, outside the regions in which the acting account is a centre or an admin, or never worked inside them';

CREATE OR REPLACE FUNCTION works_in(account text, duties text[], region text, departments integer[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM account_duty d
		WHERE d.account = works_in.account AND d.valid @> current_date
			AND (d.duty = 'officer' AND d.department = ANY (works_in.departments)
				OR d.duty = ANY (works_in.duties) AND EXISTS (SELECT FROM region r
					WHERE r.code = d.region AND works_in.region BETWEEN r.code AND r.code_end)));
END
$$;
COMMENT ON FUNCTION works_in(text, text[], text, integer[]) IS
'whether an account has one of these duties today in a region, or is an officer of one of these departments';

CREATE OR REPLACE FUNCTION open_work_of(account text, OUT object text, OUT id text, OUT dispute bigint,
	OUT region text, OUT departments integer[], OUT duties text[]) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	SELECT w.object, w.id, w.dispute, w.region, w.departments, w.duties::text[] FROM (
		SELECT 1 AS place, 'dispute.responsible' AS object, d.id::text AS id, d.id AS dispute, d.region, d.departments,
			'{member,centre,leader,inspector}' AS duties
		FROM dispute d
		WHERE d.responsible = open_work_of.account AND d.state NOT IN ('closed', 'transferred', 'voided')
		UNION ALL
		SELECT 2, 'dispute.leader', d.id::text, d.id, d.region, '{}', '{leader}'
		FROM dispute d
		WHERE d.leader = open_work_of.account AND d.state NOT IN ('closed', 'transferred', 'voided')
		UNION ALL
		SELECT 3, 'assignment.account', a.id::text, d.id, d.region, ARRAY[a.department], '{}'
		FROM assignment a JOIN dispute d ON d.id = a.dispute
		WHERE a.account = open_work_of.account AND a.state IN ('offered', 'accepted')
		UNION ALL
		SELECT 4, 'grid_member.account', m.grid, NULL, g.region, '{}', '{member}'
		FROM grid_member m JOIN grid g ON g.code = m.grid
		WHERE m.account = open_work_of.account AND m.valid && daterange(current_date, NULL)
		UNION ALL
		SELECT 5, 'notice.account', n.id::text, NULL, coalesce(d.region, m.region, p.region), d.departments,
			'{member,centre,leader,inspector}'
		FROM notice n
			LEFT JOIN deadline t ON t.id = n.deadline
			LEFT JOIN dispute d ON d.id = coalesce(n.dispute, t.dispute)
			LEFT JOIN matter m ON m.id = n.matter
			LEFT JOIN petition p ON p.id = t.petition
		WHERE n.account = open_work_of.account AND n.read_at IS NULL
		) AS w(place, object, id, dispute, region, departments, duties)
	-- Disputes first and by number, as everybody locks them.
	ORDER BY w.dispute, w.place, length(w.id), w.id COLLATE "C";
END
$$;
COMMENT ON FUNCTION open_work_of(text) IS
'what lies with an account: disputes, assignments, grids and unread notices, each with where it belongs and the duties, or departments, of one who could take it over';

CREATE OR REPLACE FUNCTION pass_on(object text, id text, from_account text, to_account text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	membership grid_member;
	to_come daterange;
BEGIN
	CASE object
		WHEN 'dispute.responsible' THEN
			UPDATE dispute d SET responsible = to_account
			WHERE d.id = pass_on.id::bigint AND d.responsible = from_account
				AND d.state NOT IN ('closed', 'transferred', 'voided');
		WHEN 'dispute.leader' THEN
			UPDATE dispute d SET leader = to_account
			WHERE d.id = pass_on.id::bigint AND d.leader = from_account
				AND d.state NOT IN ('closed', 'transferred', 'voided');
		WHEN 'assignment.account' THEN
			UPDATE assignment a SET account = to_account
			WHERE a.id = pass_on.id::bigint AND a.account = from_account AND a.state IN ('offered', 'accepted');
		WHEN 'grid_member.account' THEN
			-- Whose grid it was until today stays on record.
			DELETE FROM grid_member m
			WHERE m.account = from_account AND m.grid = pass_on.id AND m.valid && daterange(current_date, NULL)
			RETURNING m.* INTO membership;
			IF FOUND THEN
				IF lower(membership.valid) < current_date OR lower_inf(membership.valid) THEN
					INSERT INTO grid_member (account, grid, full_time, valid)
					VALUES (from_account, membership.grid, membership.full_time,
						membership.valid * daterange(NULL, current_date));
				END IF;
				to_come := membership.valid * daterange(current_date, NULL);
				PERFORM FROM grid_member m
				WHERE m.account = to_account AND m.grid = membership.grid
					AND NOT (m.valid && to_come OR m.valid -|- to_come);
				IF FOUND THEN
					RAISE object_not_in_prerequisite_state USING
						MESSAGE = format('account %s is a member of grid %s at another time', to_account, membership.grid);
				END IF;
				INSERT INTO grid_member AS m (account, grid, full_time, valid)
				VALUES (to_account, membership.grid, membership.full_time, to_come)
				ON CONFLICT (account, grid) DO UPDATE SET valid = m.valid + excluded.valid;
				RETURN true;
			END IF;
		WHEN 'notice.account' THEN
			UPDATE notice n SET account = to_account
			WHERE n.id = pass_on.id::bigint AND n.account = from_account AND n.read_at IS NULL;
	END CASE;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION pass_on(text, text, text, text) IS
'moves one piece of open work from an account to another; false where it no longer lies with the first';

CREATE OR REPLACE FUNCTION reassign(from_account text, to_account text, reason text,
	OUT object text, OUT id text, OUT result text, OUT code text) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	work record;
	detail text;
	told bigint[] := '{}';
	beyond boolean := false;
BEGIN
	PERFORM require_reason(reason);
	PERFORM require_account_in_charge(from_account);
	PERFORM require_account_in_charge(to_account);
	IF from_account = to_account THEN
		RAISE invalid_parameter_value USING MESSAGE = 'work is reassigned from one account to another';
	END IF;
	PERFORM FROM account a WHERE a.id = to_account AND a.active FOR SHARE;
	IF NOT FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('account %s is not active', to_account);
	END IF;
	FOR work IN SELECT w.* FROM open_work_of(from_account) w LOOP
		IF work.region IS NOT NULL AND NOT EXISTS (SELECT FROM duty_ranges('{centre,admin}') s
			WHERE work.region BETWEEN s.code AND s.code_end) THEN
			beyond := true;
			CONTINUE;
		END IF;
		object := work.object;
		id := work.id;
		result := 'moved';
		code := NULL;
		BEGIN
			PERFORM FROM dispute d WHERE d.id = work.dispute FOR NO KEY UPDATE;
			IF work.region IS NOT NULL AND NOT works_in(to_account, work.duties, work.region, work.departments) THEN
				RAISE insufficient_privilege USING
					MESSAGE = format('account %s has no duty for it', to_account);
			END IF;
			IF NOT pass_on(object, id, from_account, to_account) THEN
				RAISE object_not_in_prerequisite_state USING
					MESSAGE = format('it no longer lies with account %s', from_account);
			END IF;
			IF work.dispute IS NOT NULL THEN
				INSERT INTO follow_up (id, kind, note)
				VALUES (work.dispute, 'note', format('%s passes from %s to %s: %s', object, from_account, to_account, reason));
				IF work.dispute <> ALL (told) THEN
					PERFORM send_notice(to_account, 'assignment', work.dispute);
				END IF;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			-- What a policy says of a rule names roles, and no values.
			GET STACKED DIAGNOSTICS result = MESSAGE_TEXT, code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
			IF code LIKE 'VC%' AND detail <> '' THEN
				result := format('%s: %s', result, detail);
			END IF;
		END;
		RETURN NEXT;
		IF code IS NULL AND work.dispute IS NOT NULL THEN
			told := told || work.dispute;
		END IF;
	END LOOP;
	IF beyond THEN
		object := NULL;
		id := NULL;
		result := format('account %s has more outside your regions', from_account);
		code := '42501';
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION reassign(text, text, text) IS
'a centre or an admin moves the open work of an account to another: disputes, assignments, grids and unread notices; one row each, with the result: moved, or the error that kept it from moving and its SQLSTATE';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{centre,admin}', 'EXECUTE', 'FUNCTION reassign(text, text, text)');
