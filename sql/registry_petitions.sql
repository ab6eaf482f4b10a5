-- registry_petitions: petitions as they are entered, and which of them repeat another

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('petitions', 18, NULL, $script$
CREATE OR REPLACE FUNCTION same_matter(dispute bigint) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	stays bigint;
BEGIN
	WITH RECURSIVE up (id, duplicate_of) AS (
		SELECT d.id, d.duplicate_of FROM dispute d WHERE d.id = same_matter.dispute
		UNION
		SELECT d.id, d.duplicate_of FROM up JOIN dispute d ON d.id = up.duplicate_of
	)
	SELECT up.id INTO stays FROM up WHERE up.duplicate_of IS NULL;
	-- One after the other: who comes second sees what the first has entered.
	PERFORM FROM dispute d WHERE d.id = stays FOR NO KEY UPDATE;
	RETURN ARRAY(
		WITH RECURSIVE down (id) AS (
			SELECT stays
			UNION
			SELECT d.id FROM down JOIN dispute d ON d.duplicate_of = down.id
		)
		SELECT down.id FROM down);
END
$$;
COMMENT ON FUNCTION same_matter(bigint) IS
'disputes that are one matter with this one: the case that stays, which is locked, and those that were second entries of it';

/*
 * A petition that comes in again is told by its petitioners on the same matter,
 * among those that were received no later than it and are entered by now.  It
 * points to the first of the series, so that a series is a petition and all that
 * point to it.
 */
CREATE OR REPLACE FUNCTION enter_petition(received_on date, region text, dispute bigint, heads integer,
	resolvable boolean, petitioners jsonb DEFAULT '[]', repeat_within interval DEFAULT NULL,
	by_principals boolean DEFAULT false, unit bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	wrong text;
	matters bigint[];
	digests bytea[];
	series bigint;
	number bigint;
BEGIN
	IF NOT EXISTS (SELECT FROM duty_ranges('{centre}') r WHERE enter_petition.region BETWEEN r.code AND r.code_end) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('region %s does not exist, or is not yours', coalesce(region, 'null')),
			HINT = 'A centre enters petitions that concern its region.';
	END IF;
	IF dispute IS NOT NULL AND NOT EXISTS (SELECT FROM dispute d
		WHERE d.id = enter_petition.dispute
			AND (EXISTS (SELECT FROM duty_ranges('{member,centre,leader,inspector}') r
					WHERE d.region BETWEEN r.code AND r.code_end)
				OR d.departments && my_departments())) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('dispute %s does not exist, or is not yours', dispute);
	END IF;
	IF unit IS NOT NULL AND NOT EXISTS (SELECT FROM unit u
			JOIN duty_ranges('{centre}') r ON u.region BETWEEN r.code AND r.code_end
		WHERE u.id = enter_petition.unit) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('unit %s does not exist, or is not yours', unit);
	END IF;
	IF received_on > current_date OR NOT isfinite(received_on) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a petition was received today or earlier',
			DETAIL = format('It was to be received on %s.', received_on);
	END IF;
	IF repeat_within < interval '0' OR by_principals IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'invalid rule of which petitions repeat another';
	END IF;
	-- Errors name places in the list alone, and nothing that it says of persons.
	SELECT CASE WHEN jsonb_typeof(petitioners) IS DISTINCT FROM 'array' THEN 'It is no array.'
		WHEN jsonb_array_length(petitioners) > heads
			THEN format('It has %s, and %s came.', jsonb_array_length(petitioners), heads)
		ELSE (SELECT format('Petitioner %s does not have the form of one.', min(p.n))
			FROM jsonb_array_elements(petitioners) WITH ORDINALITY AS p(person, n)
			WHERE jsonb_typeof(p.person) <> 'object' OR EXISTS (
				SELECT FROM jsonb_each(CASE jsonb_typeof(p.person) WHEN 'object' THEN p.person ELSE '{}' END) k
				WHERE CASE WHEN k.key IN ('name', 'person_number') THEN jsonb_typeof(k.value) NOT IN ('string', 'null')
					WHEN k.key = 'principal' THEN jsonb_typeof(k.value) <> 'boolean'
					ELSE true END)
			HAVING count(*) > 0) END
	INTO wrong;
	IF wrong IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'invalid list of petitioners',
			DETAIL = wrong,
			HINT = 'Give [{"name": "...", "person_number": "...", "principal": true}, ...], with at most as many as came.';
	END IF;

	IF dispute IS NOT NULL THEN
		-- An older snapshot would miss a petition that came in while this waited.
		PERFORM require_read_committed('enter_petition()');
		matters := same_matter(dispute);
		digests := ARRAY(SELECT person_digest(p.person ->> 'person_number')
			FROM jsonb_array_elements(petitioners) AS p(person)
			WHERE (p.person -> 'principal')::boolean OR NOT by_principals);
		SELECT f.id INTO series
		FROM petition e
			JOIN petition_person o ON o.petition = e.id
			JOIN petition f ON f.id = coalesce(e.repeat_of, e.id)
		WHERE e.dispute = ANY (matters)
			AND e.received_on <= enter_petition.received_on
			AND (repeat_within IS NULL OR e.received_on >= enter_petition.received_on - repeat_within)
			AND o.person_digest = ANY (digests)
			AND (o.principal OR NOT by_principals)
		ORDER BY f.received_on, f.id LIMIT 1;
	END IF;
	INSERT INTO petition (received_on, region, unit, dispute, heads, resolvable, repeat_of)
	VALUES (enter_petition.received_on, enter_petition.region, enter_petition.unit, enter_petition.dispute,
		enter_petition.heads, enter_petition.resolvable, series)
	RETURNING id INTO number;
	INSERT INTO petition_person (petition, principal, name, person_digest)
	SELECT number, coalesce((p.person -> 'principal')::boolean, false), p.person ->> 'name',
		person_digest(p.person ->> 'person_number')
	FROM jsonb_array_elements(petitioners) WITH ORDINALITY AS p(person, n)
	ORDER BY p.n;
	PERFORM begin_deadline('accept', number, NULL, received_on);
	RETURN number;
END
$$;
COMMENT ON FUNCTION enter_petition(date, text, bigint, integer, boolean, jsonb, interval, boolean, bigint) IS
'enters a petition of a batch with its petitioners, as a centre of the region and of the unit that it concerns, and starts the term of its acceptance; says whether it repeats another: one of some of the same petitioners, or principals where only those count, on the same matter, within a time where one is given; returns its number';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{centre}', 'EXECUTE', 'FUNCTION enter_petition(date, text, bigint, integer, boolean, jsonb, interval, boolean, bigint)');
