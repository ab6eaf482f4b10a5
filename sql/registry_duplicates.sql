-- registry_duplicates: disputes that were entered twice

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('duplicates', 25, NULL, $script$
CREATE OR REPLACE FUNCTION sees_dispute(held dispute) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN held.departments && my_departments()
		OR EXISTS (SELECT FROM duty_ranges('{member,centre,leader,inspector}') s
			WHERE held.region BETWEEN s.code AND s.code_end);
END
$$;
COMMENT ON FUNCTION sees_dispute(dispute) IS
'whether the acting account may see a dispute, as the policy says, for functions that no policy binds';

CREATE OR REPLACE FUNCTION case_that_stays(dispute bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN (
		WITH RECURSIVE pointed AS (
			SELECT d.id, d.duplicate_of FROM dispute d WHERE d.id = case_that_stays.dispute AND sees_dispute(d)
			UNION
			SELECT d.id, d.duplicate_of FROM pointed p JOIN dispute d ON d.id = p.duplicate_of
		)
		SELECT p.id FROM pointed p WHERE p.duplicate_of IS NULL);
END
$$;
COMMENT ON FUNCTION case_that_stays(bigint) IS
'the dispute that stays for one that was a duplicate, through all pointers; itself where it is none; null where the acting account does not see it';

CREATE OR REPLACE FUNCTION void_duplicate(dispute bigint, duplicate_of bigint, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	-- One that is voided stays so, with its pointer, so that only the last can change.
	stays CONSTANT bigint := case_that_stays(duplicate_of);
	either dispute;
	duplicate dispute;
	original dispute;
	stays_now bigint;
BEGIN
	IF dispute = duplicate_of THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('dispute %s cannot be a duplicate of itself', dispute);
	END IF;
	PERFORM require_reason(reason);
	-- In the order of their numbers, so that voiding both ways does not deadlock.
	FOR either IN
		SELECT d.* FROM dispute d
		WHERE d.id IN (void_duplicate.dispute, stays) AND sees_dispute(d)
			AND has_duty('officer', 'centre', 'leader', 'inspector')
		ORDER BY d.id FOR NO KEY UPDATE
	LOOP
		IF either.id = dispute THEN
			duplicate := either;
		END IF;
		IF either.id = stays THEN
			original := either;
		END IF;
	END LOOP;
	IF duplicate.id IS NULL OR original.id IS NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('dispute %s does not exist, or is not yours', coalesce(CASE
				WHEN duplicate.id IS NULL THEN dispute ELSE coalesce(stays, duplicate_of) END::text, 'null'));
	END IF;
	stays_now := case_that_stays(duplicate_of);
	IF stays_now = dispute THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is the case that stays for dispute %s', dispute, duplicate_of);
	END IF;
	IF stays_now IS DISTINCT FROM stays THEN
		RAISE serialization_failure USING
			MESSAGE = format('dispute %s was voided at the same time', stays),
			HINT = 'Run it again.';
	END IF;
	IF duplicate.duplicate_of IS NOT NULL AND case_that_stays(dispute) = stays THEN
		RETURN stays;
	END IF;
	IF original.state = 'voided' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is voided', stays),
			HINT = 'Name the case that is to stay.';
	END IF;
	IF duplicate.state = 'voided' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('dispute %s is voided', dispute),
			DETAIL = CASE WHEN duplicate.duplicate_of IS NULL THEN 'It was a wrong entry.'
				ELSE format('It is a duplicate of dispute %s.', duplicate.duplicate_of) END;
	END IF;
	-- Before 14 a server does not tell that a column was set to what it was.
	UPDATE dispute d SET reason = NULL WHERE d.id = duplicate.id AND d.reason = void_duplicate.reason;
	UPDATE dispute d SET state = 'voided', duplicate_of = stays, reason = void_duplicate.reason
	WHERE d.id = duplicate.id;
	RETURN stays;
END
$$;
COMMENT ON FUNCTION void_duplicate(bigint, bigint, text) IS
'voids a dispute that is another one entered again, with a pointer to the case that stays, which it returns; both keep their chains';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION case_that_stays(bigint)'),
	('{officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION void_duplicate(bigint, bigint, text)');
