-- registry_incidents: what happened, what had been known of it, and who was spared

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('pairs', 15, 1, $script$
CREATE TABLE dispute_pair (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	leader text REFERENCES account,
	responsible text REFERENCES account,
	since timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL
);
CREATE INDEX ON dispute_pair (dispute);
CREATE INDEX ON dispute_pair (leader);
CREATE INDEX ON dispute_pair (responsible);
SELECT describe_table('dispute_pair', 'who stood for a dispute from when on; written by a trigger, append-only', '{
	"id": "number, in the order of recording",
	"dispute": "the dispute",
	"leader": "its leader from then on",
	"responsible": "account that was responsible from then on",
	"since": "from when on, as entered",
	"recorded_at": "when it was recorded, by the server''s clock"}');
$script$),

('pair functions', 36, NULL, $script$
CREATE POLICY of_parent ON dispute_pair FOR SELECT USING (
	EXISTS (SELECT FROM dispute d WHERE d.id = dispute_pair.dispute));

CREATE OR REPLACE FUNCTION record_pair() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	recorded CONSTANT timestamptz := clock_timestamp();
	-- A decision entered later counts from when it was taken, as the chain has it.
	entered CONSTANT timestamptz := nullif(current_setting('govcase.happened_at', true), '');
BEGIN
	INSERT INTO dispute_pair (dispute, leader, responsible, since, recorded_at)
	VALUES (NEW.id, NEW.leader, NEW.responsible,
		greatest(NEW.reported_at, least(coalesce(entered, recorded), recorded)), recorded);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_pair() IS
'trigger: writes down who stands for a dispute from now on, or from what govcase.happened_at says';

CREATE OR REPLACE FUNCTION keep_pair() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'VC003',
		MESSAGE = format('%s of "%s" is refused', TG_OP, TG_TABLE_NAME),
		DETAIL = 'Who stood for a dispute is only ever added to.';
END
$$;
COMMENT ON FUNCTION keep_pair() IS
'trigger: refuses UPDATE, DELETE and TRUNCATE of who stood for a dispute';

CREATE OR REPLACE FUNCTION record_answer() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	NEW.answered_at := coalesce(NEW.answered_at, clock_timestamp());
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION record_answer() IS
'trigger: notes when an offer was accepted or returned';
$script$),

('pair triggers', 43, 1, $script$
CREATE TRIGGER record_pair AFTER INSERT ON dispute FOR EACH ROW
	WHEN (NEW.leader IS NOT NULL OR NEW.responsible IS NOT NULL) EXECUTE FUNCTION record_pair();
CREATE TRIGGER record_other_pair AFTER UPDATE ON dispute FOR EACH ROW
	WHEN (OLD.leader IS DISTINCT FROM NEW.leader OR OLD.responsible IS DISTINCT FROM NEW.responsible)
	EXECUTE FUNCTION record_pair();
CREATE TRIGGER keep_pair BEFORE UPDATE OR DELETE ON dispute_pair FOR EACH ROW EXECUTE FUNCTION keep_pair();
CREATE TRIGGER keep_pairs BEFORE TRUNCATE ON dispute_pair FOR EACH STATEMENT EXECUTE FUNCTION keep_pair();
CREATE TRIGGER record_answer BEFORE UPDATE ON assignment FOR EACH ROW
	WHEN (OLD.state = 'offered' AND NEW.state IN ('accepted', 'returned', 'done')) EXECUTE FUNCTION record_answer();
$script$),

('incidents and petitions', 57, NULL, $script$
/* ---- What had been known ------------------------------------------------------ */

/*
 * As it stood when the day of the incident began: what was done later on that day
 * may well be its consequence.
 */
CREATE OR REPLACE FUNCTION incident_review(period daterange,
	OUT incident bigint, OUT kind text, OUT happened_on date, OUT region text, OUT dispute bigint,
	OUT known_before boolean, OUT reported_at timestamptz, OUT state case_state, OUT risk risk_level,
	OUT last_link bigint, OUT last_link_kind text, OUT last_link_at timestamptz,
	OUT leader text, OUT responsible text, OUT entered_later boolean) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM require_period(period, false);
	RETURN QUERY
	SELECT i.id, i.kind, i.happened_on, i.region, i.dispute, d.reported_at < day.began, d.reported_at,
		stood.to_state, stood.to_risk, last.seq, last.kind, last.happened_at, pair.leader, pair.responsible,
		CASE WHEN d.reported_at < day.began
			THEN greatest(registered.recorded_at, stood.recorded_at, last.recorded_at, pair.recorded_at) >= day.began END
	FROM incident i
		CROSS JOIN LATERAL (SELECT i.happened_on::timestamptz) AS day(began)
		LEFT JOIN dispute d ON d.id = i.dispute
		LEFT JOIN follow_up registered ON registered.id = d.id AND registered.seq = 1
		LEFT JOIN LATERAL (SELECT l.to_state, l.to_risk, l.recorded_at
			FROM follow_up l
			WHERE l.id = d.id AND l.kind IN ('registered', 'transition') AND l.happened_at < day.began
			ORDER BY l.seq DESC LIMIT 1) AS stood ON true
		LEFT JOIN LATERAL (SELECT l.seq, l.kind, l.happened_at, l.recorded_at
			FROM follow_up l
			WHERE l.id = d.id AND l.kind <> 'redaction' AND l.happened_at < day.began
			ORDER BY l.happened_at DESC, l.seq DESC LIMIT 1) AS last ON true
		LEFT JOIN LATERAL (SELECT p.leader, p.responsible, p.recorded_at
			FROM dispute_pair p
			WHERE p.dispute = d.id AND p.since < day.began
			ORDER BY p.id DESC LIMIT 1) AS pair ON true
	WHERE i.dispute IS NOT NULL AND period @> i.happened_on
	ORDER BY i.happened_on, i.id;
END
$$;
COMMENT ON FUNCTION incident_review(daterange) IS
'incidents that happened in a period and grew from disputes: whether the dispute had been reported before that day, and its state, risk, last link and pair as the day began; entered_later: the report or some of the rest was recorded only on the day or after it. What the acting account may not see of the dispute is null';

/* ---- Year on year --------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION incidents_year_on_year(period daterange, counted_by text DEFAULT 'filed',
	OUT region text, OUT level smallint, OUT name text, OUT kind text, OUT by_day text, OUT incidents bigint,
	OUT year_before bigint, OUT change double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 20000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	kinds CONSTANT text[] := '{criminal,homicide,public_order,accident}';
BEGIN
	PERFORM require_period(period, true);
	IF counted_by IS NULL OR counted_by NOT IN ('filed', 'happened') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('incidents cannot be counted by %s', coalesce(quote_literal(counted_by), 'null')),
			HINT = 'They are counted by the day on which they were ''filed'', or on which they ''happened''.';
	END IF;
	RETURN QUERY
	WITH held AS (
		SELECT i.region, k.kind,
			period_summary(CASE counted_by WHEN 'filed' THEN i.filed_on ELSE i.happened_on END, period) AS n
		FROM incident i
			-- A homicide is one of the criminal cases.
			CROSS JOIN LATERAL unnest(CASE i.kind WHEN 'homicide' THEN ARRAY['criminal', 'homicide']
				ELSE ARRAY[i.kind] END) AS k(kind)
		GROUP BY i.region, k.kind
	), total AS (
		SELECT p.region, h.kind, rollup(h.n) AS n
		FROM region_parts() p JOIN held h ON h.region = p.part
		GROUP BY p.region, h.kind
	), cell AS MATERIALIZED (
		SELECT f.region, f.parent, f.level, f.name, f.whole,
			array_agg(coalesce(current_total(t.n), 0)::bigint ORDER BY k.place) AS now,
			array_agg(coalesce(previous_total(t.n), 0)::bigint ORDER BY k.place) AS before
		FROM figure_regions() f
			CROSS JOIN unnest(kinds) WITH ORDINALITY AS k(kind, place)
			LEFT JOIN total t ON t.region = f.region AND t.kind = k.kind
		GROUP BY f.region, f.parent, f.level, f.name, f.whole
	), told AS (
		-- Homicides are a part of the criminal cases: the rest is not to be told either.
		SELECT t.key,
			ARRAY[max(t.told[1]) FILTER (WHERE t.of_series = 'now, criminal'),
				max(t.told[2]) FILTER (WHERE t.of_series = 'now, criminal'),
				max(t.told[1]) FILTER (WHERE t.of_series = 'now, public order'),
				max(t.told[1]) FILTER (WHERE t.of_series = 'now, accident')] AS now,
			ARRAY[max(t.told[1]) FILTER (WHERE t.of_series = 'before, criminal'),
				max(t.told[2]) FILTER (WHERE t.of_series = 'before, criminal'),
				max(t.told[1]) FILTER (WHERE t.of_series = 'before, public order'),
				max(t.told[1]) FILTER (WHERE t.of_series = 'before, accident')] AS before
		FROM (SELECT array_agg(c.region) AS keys, array_agg(w.series) AS series, array_agg(c.parent) AS parents,
				array_agg(c.whole) AS whole, array_agg(ARRAY[w.total, w.part]) AS counts
			FROM cell c CROSS JOIN LATERAL (VALUES
				('now, criminal', c.now[1], c.now[2]), ('now, public order', c.now[3], 0), ('now, accident', c.now[4], 0),
				('before, criminal', c.before[1], c.before[2]), ('before, public order', c.before[3], 0),
				('before, accident', c.before[4], 0)) AS w(series, total, part)) AS l
			CROSS JOIN LATERAL tell_counts(l.keys, l.series, l.parents, l.whole, l.counts) t
		GROUP BY t.key
	)
	SELECT c.region, c.level, c.name, k.kind, counted_by, t.now[k.place], t.before[k.place],
		(t.now[k.place] - t.before[k.place]) / nullif(t.before[k.place], 0)::double precision
	FROM cell c
		JOIN told t ON t.key = c.region
		CROSS JOIN unnest(kinds) WITH ORDINALITY AS k(kind, place)
	ORDER BY c.region, k.place;
END
$$;
COMMENT ON FUNCTION incidents_year_on_year(daterange, text) IS
'incidents of a period and of the same period a year before, by region with all within it and by kind, homicides among the criminal cases too; by_day says whether they are counted by the day of filing or of happening';

CREATE OR REPLACE FUNCTION petitions_year_on_year(period daterange,
	OUT region text, OUT level smallint, OUT name text,
	OUT batches bigint, OUT batches_year_before bigint, OUT batches_change double precision,
	OUT person_times bigint, OUT person_times_year_before bigint, OUT person_times_change double precision)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 5000
SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
	PERFORM require_period(period, true);
	RETURN QUERY
	WITH held AS (
		SELECT p.region, period_summary(p.received_on, period) AS batches,
			period_summary(p.received_on, period, p.heads) AS heads
		FROM petition p
		GROUP BY p.region
	), cell AS MATERIALIZED (
		SELECT f.region, f.parent, f.level, f.name, f.whole,
			coalesce(current_total(t.batches), 0)::bigint AS batches,
			coalesce(previous_total(t.batches), 0)::bigint AS batches_before,
			coalesce(current_total(t.heads), 0)::bigint AS heads,
			coalesce(previous_total(t.heads), 0)::bigint AS heads_before
		FROM figure_regions() f
			LEFT JOIN (SELECT p.region, rollup(h.batches) AS batches, rollup(h.heads) AS heads
				FROM region_parts() p JOIN held h ON h.region = p.part
				GROUP BY p.region) AS t ON t.region = f.region
	), told AS (
		SELECT t.key, max(t.told[1]) FILTER (WHERE t.of_series = 'now') AS batches,
			max(t.told[1]) FILTER (WHERE t.of_series = 'before') AS batches_before
		FROM (SELECT array_agg(c.region) AS keys, array_agg(w.series) AS series, array_agg(c.parent) AS parents,
				array_agg(c.whole) AS whole, array_agg(ARRAY[w.batches]) AS counts
			FROM cell c CROSS JOIN LATERAL (VALUES ('now', c.batches), ('before', c.batches_before)) AS w(series, batches)
			) AS l
			CROSS JOIN LATERAL tell_counts(l.keys, l.series, l.parents, l.whole, l.counts) t
		GROUP BY t.key
	), shown AS (
		-- Where batches are too few to be told, so are those who came in them.
		SELECT c.region, c.level, c.name, t.batches, t.batches_before,
			CASE WHEN t.batches IS NOT NULL THEN c.heads END AS heads,
			CASE WHEN t.batches_before IS NOT NULL THEN c.heads_before END AS heads_before
		FROM cell c JOIN told t ON t.key = c.region
	)
	SELECT s.region, s.level, s.name,
		s.batches, s.batches_before, (s.batches - s.batches_before) / nullif(s.batches_before, 0)::double precision,
		s.heads, s.heads_before, (s.heads - s.heads_before) / nullif(s.heads_before, 0)::double precision
	FROM shown s
	ORDER BY s.region;
END
$$;
COMMENT ON FUNCTION petitions_year_on_year(daterange) IS
'petitions received in a period and in the same period a year before, by region with all within it: batches (petitions) and person-times (their heads)';

/* ---- Zero units ------------------------------------------------------------------ */

/* That nothing happened is told of every region: it is what these are named for. */
CREATE OR REPLACE FUNCTION zero_units(period daterange,
	OUT kind text, OUT region text, OUT level smallint, OUT unit bigint, OUT name text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1000
SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
	PERFORM require_period(period, false);
	RETURN QUERY
	WITH trouble AS MATERIALIZED (
		SELECT p.region, p.unit
		FROM petition p
		WHERE p.resolvable AND period @> p.received_on
		UNION
		SELECT i.region, i.unit
		FROM incident i
		WHERE period @> i.happened_on
			AND (i.kind = 'accident' AND i.casualties > 0
				OR i.kind IN ('criminal', 'homicide')
				OR i.kind = 'public_order' AND i.grave)
	), counted AS MATERIALIZED (
		SELECT f.region, f.level, f.name FROM figure_regions() f
	)
	SELECT 'region', c.region, c.level, NULL::bigint, c.name
	FROM counted c JOIN region r ON r.code = c.region
	WHERE r.valid && period
		AND NOT EXISTS (SELECT FROM region_parts() p JOIN trouble t ON t.region = p.part WHERE p.region = c.region)
	UNION ALL
	SELECT u.kind, u.region, c.level, u.id, u.name
	FROM counted c JOIN unit u ON u.region = c.region
	WHERE NOT EXISTS (SELECT FROM trouble t WHERE t.unit = u.id)
	ORDER BY 2, 4 NULLS FIRST;
END
$$;
COMMENT ON FUNCTION zero_units(daterange) IS
'zero units of a period: regions that existed in it, with all within them, and units such as schools and works, that had no petition that could have been resolved there, no accident with casualties, no criminal case (homicide included) and no grave public-order case; incidents by the day on which they happened';

CREATE OR REPLACE VIEW zero_units AS
SELECT z.kind, z.region, z.level, z.unit, z.name
FROM zero_units(this_year()) z;
COMMENT ON VIEW zero_units IS 'regions and units that this year had no petition that they could have resolved, no accident with casualties, no criminal and no grave public-order case';
COMMENT ON COLUMN zero_units.kind IS 'region, or what kind of unit';
COMMENT ON COLUMN zero_units.region IS 'the region, or the one that the unit lies in';
COMMENT ON COLUMN zero_units.level IS 'level of that region: 1 city, 2 county, 3 township, 4 village';
COMMENT ON COLUMN zero_units.unit IS 'the unit; null for a region';
COMMENT ON COLUMN zero_units.name IS 'name of the unit or region';

/* ---- Repeat petitions -------------------------------------------------------------- */

-- Petitions have no departments, so that the scope is by region alone.
CREATE OR REPLACE VIEW repeat_petitions @row_view@ AS
WITH RECURSIVE seen AS NOT MATERIALIZED (
	SELECT p.id, p.received_on, p.region, p.dispute, p.heads, p.repeat_of
	FROM petition p
	WHERE p.region BETWEEN (SELECT scope_low()) AND (SELECT scope_high())
		OR p.region = ANY ((SELECT scope_codes())::text[])
), series AS (
	SELECT s.id AS first, s.region, s.dispute, s.id, s.received_on, s.heads
	FROM seen s
	WHERE EXISTS (SELECT FROM seen later WHERE later.repeat_of = s.id)
		AND NOT EXISTS (SELECT FROM seen before WHERE before.id = s.repeat_of)
	UNION ALL
	SELECT r.first, r.region, r.dispute, s.id, s.received_on, s.heads
	FROM series r JOIN seen s ON s.repeat_of = r.id
)
SELECT r.first, r.region, r.dispute, count(*) AS petitions, sum(r.heads) AS person_times,
	min(r.received_on) AS first_on, max(r.received_on) AS last_on
FROM series r
GROUP BY r.first, r.region, r.dispute;
COMMENT ON VIEW repeat_petitions IS 'series of petitions of the same petitioners on the same matter, of those that the acting account may see';
COMMENT ON COLUMN repeat_petitions.first IS 'first petition of the series';
COMMENT ON COLUMN repeat_petitions.region IS 'region that this concerned';
COMMENT ON COLUMN repeat_petitions.dispute IS 'dispute that this was about';
COMMENT ON COLUMN repeat_petitions.petitions IS 'how many petitions (batches), the first included';
COMMENT ON COLUMN repeat_petitions.person_times IS 'how many came in all';
COMMENT ON COLUMN repeat_petitions.first_on IS 'day on which the first came in';
COMMENT ON COLUMN repeat_petitions.last_on IS 'day on which the last came in';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector}', 'SELECT', 'dispute_pair, repeat_petitions'),
	('{member,officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION require_period(daterange, boolean), '
		'incident_review(daterange)'),
	('{analyst,centre,leader,inspector}', 'SELECT', 'zero_units'),
	('{analyst,centre,leader,inspector}', 'EXECUTE', 'FUNCTION incidents_year_on_year(daterange, text), '
		'petitions_year_on_year(daterange), zero_units(daterange)');
