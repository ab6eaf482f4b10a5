-- What happens to each dispute in the year, and when: the script that the
-- accounts of the city play in year.sql.
\echo 'Drawing a year of disputes from seed' :seed '…'

-- A place in a township, oftener near its middle, where the houses are.
CREATE FUNCTION pg_temp.place(seed bigint, town pg_temp.township) RETURNS geometry
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT format('SRID=4490;POINT(%s %s)',
			round(((west + (east - west) * (town.west + town.columns * across) / town.in_band) / 100)::numeric, 6),
			round((town.south / 100.0 + 0.05 * upward)::numeric, 6))::geometry
		FROM (SELECT 2 * pg_temp.chance(seed, 'across') - 1 AS a, 2 * pg_temp.chance(seed, 'upward') - 1 AS u) AS drawn
			CROSS JOIN LATERAL (SELECT 0.5 + 0.4995 * a * a * a AS across, 0.5 + 0.4995 * u * u * u AS upward) AS part
			CROSS JOIN LATERAL (SELECT town.sw + (town.nw - town.sw) * upward AS west,
				town.se + (town.ne - town.se) * upward AS east) AS edge
	$$;

-- The first time after the clock (hours since the day of the report began) that
-- is at this hour and at least so many days on.
CREATE FUNCTION pg_temp.later(clock int, days int, at_hour int) RETURNS int
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT CASE WHEN day * 24 + at_hour > clock THEN day ELSE day + 1 END * 24 + at_hour
		FROM (SELECT clock / 24 + days AS day) AS d
	$$;

-- One thing that is done: an INSERT of the case (register), an UPDATE of it, or
-- a link (record) of this kind.  risk is the case's risk afterwards.
CREATE TYPE pg_temp.step AS (clock int, action text, risk text, kind text, satisfied boolean);

-- The life of one dispute.  Each action has its hour, so that what one case has
-- behind it always comes before what follows.  fate: resolved, transferred, or
-- open, which is a resolved life cut off by the caller.
CREATE FUNCTION pg_temp.life(seed bigint, fate text, difficult boolean) RETURNS SETOF pg_temp.step
	LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
	s		pg_temp.step;
	risk	text := CASE WHEN pg_temp.chance(seed, 'risk') < 0.35 THEN 'red' ELSE 'yellow' END;
	clock	int := 8;
	round	int := 0;
	tag		text;
	supervised	boolean;
	detour	float8;
BEGIN
	s := (clock, 'register', risk, NULL, NULL); RETURN NEXT s;
	clock := pg_temp.later(clock, CASE WHEN pg_temp.chance(seed, 'prompt') < 0.8 THEN 0 ELSE 1 END, 9);
	s := (clock, 'assign', risk, NULL, NULL); RETURN NEXT s;
	IF pg_temp.chance(seed, 'returned') < 0.03 THEN
		clock := pg_temp.later(clock, pg_temp.between(seed, 'return', 0, 2), 10);
		s := (clock, 'hand_back', risk, NULL, NULL); RETURN NEXT s;
		clock := pg_temp.later(clock, 0, 9);
		s := (clock, 'assign', risk, NULL, NULL); RETURN NEXT s;
	END IF;
	clock := pg_temp.later(clock, pg_temp.between(seed, 'take_up', 0, 2), 10);
	s := (clock, 'take_up', risk, NULL, NULL); RETURN NEXT s;

	LOOP
		-- One round: from handling to whatever ends it.
		round := round + 1;
		tag := round::text;
		-- Rare turns, at most one a round and none after the third.
		detour := CASE WHEN round > 3 THEN 1 ELSE pg_temp.chance(seed, 'detour' || tag) END;

		IF round = 1 AND (risk = 'red' OR difficult) THEN
			clock := pg_temp.later(clock, pg_temp.between(seed, 'meet' || tag, 0, 2), 14);
			s := (clock, 'record', risk, 'conference', NULL); RETURN NEXT s;
		END IF;
		supervised := pg_temp.chance(seed, 'supervised' || tag) < CASE risk WHEN 'red' THEN 0.5 ELSE 0.08 END;
		IF supervised THEN
			clock := pg_temp.later(clock, 0, 11);
			s := (clock, 'supervise', risk, NULL, NULL); RETURN NEXT s;
			clock := pg_temp.later(clock, 1, 14);
			s := (clock, 'record', risk, 'supervision', NULL); RETURN NEXT s;
		END IF;
		clock := pg_temp.later(clock, pg_temp.between(seed, 'first' || tag, 0, 3), 14);
		s := (clock, 'record', risk, 'visit', NULL); RETURN NEXT s;

		IF risk = 'yellow' AND detour < 0.05 THEN
			-- It turns out worse than it looked.
			clock := pg_temp.later(clock, pg_temp.between(seed, 'worse' || tag, 1, 4), 11);
			risk := 'red';
			s := (clock, 'raise', risk, NULL, NULL); RETURN NEXT s;
		END IF;
		FOR n IN 1 .. pg_temp.between(seed, 'talks' || tag, 1, CASE risk WHEN 'red' THEN 5 ELSE 3 END) LOOP
			clock := pg_temp.later(clock, pg_temp.between(seed, 'talk' || tag || n,
				2, CASE risk WHEN 'red' THEN 6 ELSE 11 END), 14);
			s := (clock, 'record', risk, CASE WHEN n = 1 OR pg_temp.chance(seed, 'kind' || tag || n) < 0.7
				THEN 'mediation' ELSE 'visit' END, NULL); RETURN NEXT s;
		END LOOP;
		IF supervised AND (risk <> 'red' OR pg_temp.chance(seed, 'eye' || tag) < 0.4) THEN
			clock := pg_temp.later(clock, 0, 11);
			s := (clock, 'leave_be', risk, NULL, NULL); RETURN NEXT s;
			supervised := false;
		END IF;

		IF fate = 'transferred' AND pg_temp.chance(seed, 'transfer at' || tag) < 0.7
			OR fate <> 'transferred' AND round = 1 AND pg_temp.chance(seed, 'transferred') < 0.015 THEN
			-- To a court or another authority.  Red needs an approval.
			IF risk = 'red' AND pg_temp.chance(seed, 'calm first') < 0.7 THEN
				clock := pg_temp.later(clock, 1, 15);
				risk := 'yellow';
				s := (clock, 'calm', risk, NULL, NULL); RETURN NEXT s;
			END IF;
			IF risk = 'red' THEN
				clock := pg_temp.later(clock, 0, 17);
				s := (clock, 'record', risk, 'approval', NULL); RETURN NEXT s;
			END IF;
			clock := pg_temp.later(clock, 0, 18);
			s := (clock, 'transfer', risk, NULL, NULL); RETURN NEXT s;
			EXIT WHEN fate = 'transferred';
			clock := pg_temp.later(clock, pg_temp.between(seed, 'back', 3, 7), 18);
			s := (clock, 'take_back', risk, NULL, NULL); RETURN NEXT s;
			CONTINUE;
		END IF;

		IF risk = 'red' AND (NOT supervised OR pg_temp.chance(seed, 'red back' || tag) < 0.8) THEN
			clock := pg_temp.later(clock, pg_temp.between(seed, 'calm' || tag, 0, 3), 15);
			risk := 'yellow';
			s := (clock, 'calm', risk, NULL, NULL); RETURN NEXT s;
			IF detour BETWEEN 0.90 AND 0.94 THEN
				-- The quarrel flares up once more.
				clock := pg_temp.later(clock, pg_temp.between(seed, 'flare' || tag, 2, 9), 11);
				risk := 'red';
				s := (clock, 'raise', risk, NULL, NULL); RETURN NEXT s;
				FOR n IN 1 .. pg_temp.between(seed, 'again' || tag, 1, 3) LOOP
					clock := pg_temp.later(clock, pg_temp.between(seed, 'again' || tag || n, 1, 5), 14);
					s := (clock, 'record', risk, 'mediation', NULL); RETURN NEXT s;
				END LOOP;
				clock := pg_temp.later(clock, 1, 15);
				risk := 'yellow';
				s := (clock, 'calm', risk, NULL, NULL); RETURN NEXT s;
			END IF;
			clock := pg_temp.later(clock, pg_temp.between(seed, 'settle' || tag, 2, 12), 14);
			s := (clock, 'record', risk, 'visit', NULL); RETURN NEXT s;
		END IF;

		clock := pg_temp.later(clock, pg_temp.between(seed, 'report' || tag, 0, 3), 16);
		s := (clock, 'report', risk, NULL, NULL); RETURN NEXT s;
		IF risk = 'red' THEN
			clock := pg_temp.later(clock, 1, 15);
			risk := 'yellow';
			s := (clock, 'calm', risk, NULL, NULL); RETURN NEXT s;
		END IF;
		clock := pg_temp.later(clock, pg_temp.between(seed, 'feedback' || tag, 0, 3), 17);
		s := (clock, 'record', risk, 'feedback', 
			detour NOT BETWEEN 0.05 AND 0.09 AND pg_temp.chance(seed, 'content' || tag) < 0.97);
		RETURN NEXT s;
		IF detour BETWEEN 0.05 AND 0.09 AND fate <> 'transferred' THEN
			clock := pg_temp.later(clock, 0, 18);
			s := (clock, 'rework', risk, NULL, NULL); RETURN NEXT s;
			CONTINUE;
		END IF;
		IF risk = 'yellow' THEN
			clock := pg_temp.later(clock, 0, 18);
			risk := 'blue';
			s := (clock, 'soften', risk, NULL, NULL); RETURN NEXT s;
		END IF;
		IF fate = 'transferred' THEN
			-- Settled, but the paper has to come from a court.
			clock := pg_temp.later(clock, pg_temp.between(seed, 'paper', 1, 4), 18);
			s := (clock, 'transfer', risk, NULL, NULL); RETURN NEXT s;
			EXIT;
		END IF;
		clock := pg_temp.later(clock, pg_temp.between(seed, 'inspect' || tag, 0, 3), 17);
		s := (clock, 'record', risk, 'assessment', NULL); RETURN NEXT s;
		clock := pg_temp.later(clock, 0, 18);
		s := (clock, 'assess', risk, NULL, NULL); RETURN NEXT s;
		IF detour BETWEEN 0.10 AND 0.12 THEN
			clock := pg_temp.later(clock, 1, 18);
			s := (clock, 'refuse', risk, NULL, NULL); RETURN NEXT s;
			CONTINUE;
		END IF;

		-- One or two look-backs, then the end, or nearly.
		IF pg_temp.chance(seed, 'early look' || tag) < 0.25 THEN
			clock := pg_temp.later(clock, pg_temp.between(seed, 'early' || tag, 5, 9), 17);
			s := (clock, 'record', risk, 'look_back', true); RETURN NEXT s;
		END IF;
		clock := pg_temp.later(clock, pg_temp.between(seed, 'look' || tag, 10, 27), 17);
		s := (clock, 'record', risk, 'look_back',
			pg_temp.chance(seed, 'satisfied' || tag) < 0.955); RETURN NEXT s;
		IF NOT s.satisfied THEN
			clock := pg_temp.later(clock, 1, 17);
			s := (clock, 'record', risk, 'approval', NULL); RETURN NEXT s;
			clock := pg_temp.later(clock, 0, 18);
			s := (clock, 'close_anyway', risk, NULL, NULL); RETURN NEXT s;
		ELSE
			clock := pg_temp.later(clock, pg_temp.between(seed, 'close' || tag, 0, 2), 18);
			s := (clock, 'close', risk, NULL, NULL); RETURN NEXT s;
		END IF;
		EXIT WHEN detour NOT BETWEEN 0.13 AND 0.15;
		clock := pg_temp.later(clock, pg_temp.between(seed, 'recur' || tag, 10, 60), 11);
		risk := CASE WHEN pg_temp.chance(seed, 'recur as' || tag) < 0.4 THEN 'red' ELSE 'yellow' END;
		s := (clock, 'reopen', risk, NULL, NULL); RETURN NEXT s;
	END LOOP;

	-- A transferred case above blue stays in sight, though now and then
	-- somebody forgets it for a while.
	IF fate = 'transferred' AND risk <> 'blue' THEN
		FOR n IN 1 .. 120 LOOP
			clock := pg_temp.later(clock, CASE
				WHEN pg_temp.chance(seed, 'forget' || n) < 0.03 THEN pg_temp.between(seed, 'keep' || n, 20, 60)
				ELSE pg_temp.between(seed, 'keep' || n, 3, CASE risk WHEN 'red' THEN 6 ELSE 13 END) END, 14);
			s := (clock, 'record', risk, 'visit', NULL); RETURN NEXT s;
		END LOOP;
	END IF;
END
$$;

-- Who: county, township, situation, and how it ends.  So many are open at
-- the end of the year, and so many of the others transferred, more of them where
-- a situation ends in court more often (a weighted draw without replacement: the
-- least of -ln(chance) / weight).  Members on their patrols and sweeps find four in
-- ten, each of which they report as a matter first.
CREATE TEMPORARY TABLE situation (situation, chinese, meaning, share, court, theme) AS VALUES
	('family_conflict', '家庭家族矛盾', 'deep conflict in a family or clan', 0.27, 0.8, 'family'),
	('domestic_violence', '家庭暴力', 'violence at home, several police calls', 0.13, 1.2, 'family'),
	('divorce', '离婚纠纷', 'deep conflict still, after filing for divorce', 0.21, 1.6, 'emotion'),
	('affair', '婚外情', 'conflict sharpened by an affair', 0.09, 0.7, 'emotion'),
	('bride_price', '婚约彩礼', 'dispute over a bride price', 0.17, 0.9, 'debt'),
	('after_punishment', '刑满邻里', 'neighbours: punished once, conflict still large after release', 0.13, 0.5, 'neighbours');

CREATE TEMPORARY TABLE finding (found_by, share) AS VALUES
	('patrol', 0.32), ('sweep', 0.10), ('window', 0.21), ('hotline', 0.11), ('police', 0.15), ('petition', 0.06), ('department', 0.05);

CREATE TEMPORARY TABLE subject AS
WITH drawn AS (
	SELECT n, hashint8extended(n, :seed) AS seed FROM generate_series(1, :handled + :open) AS n
), chances AS (
	SELECT n, seed, pg_temp.chance(seed, 'county') AS county,
		pg_temp.chance(seed, 'situation') AS situation, pg_temp.chance(seed, 'finding') AS finding,
		pg_temp.chance(seed, 'difficult') < 0.05 AS difficult,
		row_number() OVER (ORDER BY pg_temp.chance(seed, 'open'), n) <= :open AS open
	FROM drawn
), placed AS (
	SELECT n, seed, c.code AS county, s.situation, difficult, open, found_by,
		c.code || lpad(pg_temp.between(seed, 'township', 1, c.townships)::text, 3, '0') AS township,
		row_number() OVER (PARTITION BY open
			ORDER BY -ln(1 - pg_temp.chance(seed, 'court')) / s.court, n) AS court_rank
	FROM chances
		JOIN (SELECT *, sum(share) OVER (ORDER BY code) AS upper FROM county) AS c
			ON chances.county >= c.upper - c.share AND chances.county < c.upper
		JOIN (SELECT *, sum(share) OVER (ORDER BY situation) AS upper FROM situation) AS s
			ON chances.situation >= s.upper - s.share AND chances.situation < s.upper
		JOIN (SELECT *, sum(share) OVER (ORDER BY found_by) AS upper FROM finding) AS f
			ON chances.finding >= f.upper - f.share AND chances.finding < f.upper
)
SELECT n, seed, placed.county, township, point, locate('grid', point) AS grid, situation, difficult, found_by,
	CASE WHEN open THEN 'open' WHEN court_rank <= :transferred THEN 'transferred' ELSE 'resolved' END AS fate
FROM placed JOIN township AS t ON t.code = township CROSS JOIN LATERAL pg_temp.place(seed, t) AS point;

CREATE TEMPORARY TABLE life AS
	SELECT n, l.*
	FROM subject, pg_temp.life(seed, fate, difficult)
		WITH ORDINALITY AS l (clock, action, risk, kind, satisfied, step);
CREATE INDEX ON life (n, step);
ANALYZE subject, life;

-- When each begins, so that those that end do end within the year.  An open
-- one is cut off somewhere before its result is accepted for good, three in ten
-- of them some time ago: those are what nobody has looked after.
CREATE TEMPORARY TABLE beginning AS
WITH ending AS (
	SELECT n, seed, fate, max(step) FILTER (WHERE action = 'assess'
		OR action = 'transfer' AND fate = 'transferred') AS last_step
	FROM life JOIN subject USING (n)
	GROUP BY n, seed, fate
), cut AS (
	SELECT n, seed, fate, last_step FROM ending WHERE fate <> 'open'
	UNION ALL
	SELECT n, seed, fate, CASE WHEN turn.action IN ('assess', 'transfer') THEN turn.step - 1 ELSE drawn END
	FROM ending
		CROSS JOIN LATERAL (SELECT pg_temp.between(seed, 'cut', 1, last_step::int - 1) AS drawn) AS c
		-- The turn before the cut: an open one does not stop after an end.
		LEFT JOIN LATERAL (SELECT action, step FROM life
			WHERE life.n = ending.n AND step <= drawn
				AND action IN ('assess', 'transfer', 'refuse', 'reopen', 'take_back')
			ORDER BY step DESC LIMIT 1) AS turn ON true
	WHERE fate = 'open'
), timed AS (
	SELECT cut.n, seed, fate, last_step, last.clock, next.clock AS next_clock
	FROM cut
		JOIN life AS last ON last.n = cut.n AND last.step = last_step
		LEFT JOIN life AS next ON next.n = cut.n AND next.step = last_step + 1
)
SELECT n, CASE WHEN fate = 'open' THEN last_step END AS stops_after, CASE
	WHEN fate <> 'open' THEN pg_temp.between(seed, 'day', 0, 364 - clock / 24)
	WHEN pg_temp.chance(seed, 'forgotten') < 0.3
		THEN 364 - clock / 24 - pg_temp.between(seed, 'for days', 2, 40)
	ELSE 364 - clock / 24 - floor((next_clock - clock) / 24 * pg_temp.chance(seed, 'for days'))::int
	END AS day
FROM timed;

-- Cases are numbered as they come in.  A batch is one statement: what one account
-- does to all its cases at the same minute.
CREATE TEMPORARY TABLE event AS
WITH timed AS (
	SELECT n, step, county, township, seed, situation, difficult, found_by, action, life.risk, kind, satisfied,
		:'year_begins'::timestamptz + make_interval(days => day, hours => clock) AS hour,
		make_interval(mins => (county::int * 7) % 50) AS minutes
	FROM subject JOIN beginning USING (n) JOIN life USING (n)
	WHERE coalesce(step <= stops_after, true) AND day * 24 + clock < 365 * 24
), numbered AS (
	SELECT n, row_number() OVER (ORDER BY hour + minutes, n) AS id FROM timed WHERE step = 1
), acted AS (
	SELECT *,
		CASE action WHEN 'record' THEN hour ELSE hour + minutes END AS at,
		format('officer-%s-%s', township, pg_temp.between(seed, 'officer', 1, 3)) AS responsible
	FROM timed JOIN numbered USING (n)
), named AS (
	SELECT *, CASE
		WHEN action = 'register' AND found_by NOT IN ('patrol', 'sweep') THEN 'window-' || county
		WHEN action IN ('take_up', 'report') OR kind IN ('visit', 'mediation', 'feedback') THEN responsible
		WHEN action IN ('calm', 'assess', 'refuse', 'close', 'close_anyway')
			OR kind IN ('assessment', 'look_back', 'approval') THEN 'inspector-' || county
		ELSE 'centre-' || county END AS actor
	FROM acted
)
SELECT dense_rank() OVER (ORDER BY at, action, actor) AS batch,
	id, n, at, action, actor, situation, difficult, found_by, risk::risk_level AS risk, kind, satisfied, responsible,
	-- Graded control: the county holds what is red, and supplies its leader.
	CASE risk WHEN 'red' THEN county || '000000' ELSE township || '000' END AS region,
	format('leader-%s', CASE risk WHEN 'red' THEN county ELSE township END) AS leader,
	department,
	make_interval(mins => pg_temp.between(seed, 'minutes' || step, 1,
		CASE action WHEN 'register' THEN 420 ELSE 50 END)) AS earlier,
	CASE WHEN action IN ('register', 'raise', 'reopen') AND risk = 'red' THEN ARRAY[
		(ARRAY['grave', 'long_standing', 'high_risk'])[pg_temp.between(seed, 'grounds' || step, 1, 3)]] END AS grounds,
	to_char(at, 'MM-DD ') || CASE action
		WHEN 'hand_back' THEN 'belongs to the neighbouring township'
		WHEN 'raise' THEN (ARRAY['threats were made', 'relatives are joining in', 'one side refuses to come'])
			[pg_temp.between(seed, 'why' || step, 1, 3)]
		WHEN 'transfer' THEN (ARRAY['goes to the court', 'handed to the police', 'civil affairs must decide'])
			[pg_temp.between(seed, 'why' || step, 1, 3)]
		WHEN 'take_back' THEN 'the court sent it back for mediation'
		WHEN 'rework' THEN 'the parties do not accept the result'
		WHEN 'refuse' THEN 'the file shows no agreement'
		WHEN 'close_anyway' THEN 'nothing more can be done here, approved'
		WHEN 'reopen' THEN 'the old quarrel has begun again'
	END AS reason,
	CASE
		WHEN kind = 'conference' THEN 'police, justice and civil affairs looked at it together'
		WHEN kind = 'mediation' THEN (ARRAY['both sides came', 'an elder of the clan spoke', 'the price was the point',
			'the children were the point'])[pg_temp.between(seed, 'note' || step, 1, 4)]
		WHEN kind IN ('feedback', 'look_back') AND NOT satisfied THEN 'one side is not content'
	END AS note
FROM named JOIN (SELECT region AS station, id AS department FROM department) AS d ON station = township || '000'
ORDER BY batch, id;

CREATE INDEX ON event (batch);
CREATE TEMPORARY TABLE batch AS
	SELECT batch, at, action, min(actor) AS actor FROM event GROUP BY batch, at, action ORDER BY batch;
CREATE UNIQUE INDEX ON batch (batch);
CREATE INDEX ON batch (at);
ANALYZE event, batch;

-- What is known of each when it is registered.
CREATE TEMPORARY TABLE story AS
	SELECT id, s.seed, at, at - earlier AS reported_at, found_by, s.grid, s.point, theme, one, other,
		format('%s与%s: %s', one, other, chinese) AS title, format('%s: %s', english, meaning) AS narrative
	FROM event JOIN (SELECT n, seed, grid, point FROM subject) AS s USING (n)
		JOIN situation USING (situation)
		JOIN region ON code = left(s.grid, 12)
		CROSS JOIN LATERAL (SELECT pg_temp.made_up_name(s.seed, 'one') AS one) AS o
		CROSS JOIN LATERAL (SELECT coalesce(nullif(pg_temp.made_up_name(s.seed, 'other'), one), '子某') AS other) AS p
	WHERE action = 'register';
CREATE UNIQUE INDEX ON story (id);
ANALYZE story;

SELECT count(DISTINCT id) AS disputes, count(*) AS steps, max(batch) AS batches FROM event \gset
\echo '  ' :disputes 'disputes,' :steps 'steps in' :batches 'statements'
