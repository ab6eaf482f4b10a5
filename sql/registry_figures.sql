-- registry_figures: what a city counts itself by

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('figure functions', 19, NULL, $script$
/* ---- Where figures are counted, and which counts are told ------------------- */

CREATE OR REPLACE FUNCTION figure_regions(OUT region text, OUT parent text, OUT level smallint, OUT name text,
	OUT seen boolean, OUT whole boolean) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5000
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	WITH worked AS MATERIALIZED (SELECT w.code, w.code_end FROM duty_ranges('{member,centre,leader,inspector}') w)
	SELECT r.code, r.parent, r.level, r.name, s.seen, s.seen OR r.level <= 2
	FROM duty_ranges('{analyst,centre,leader,inspector}') c
		JOIN region r ON r.code BETWEEN c.code AND c.code_end
		CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM worked w
			WHERE r.code BETWEEN w.code AND w.code_end)) AS s(seen);
END
$$;
COMMENT ON FUNCTION figure_regions() IS
'regions that the acting account may have counts of; seen: it may read their rows as well; whole: no count is too small to be told';

CREATE OR REPLACE FUNCTION region_parts(OUT region text, OUT part text) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20000
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	SELECT r.code, p.code
	FROM figure_regions() f JOIN region r ON r.code = f.region
		JOIN region p ON p.code BETWEEN r.code AND r.code_end;
END
$$;
COMMENT ON FUNCTION region_parts() IS
'regions of figure_regions(), each with itself and all regions that lie within it: cases are counted once by the region that holds them, and added up along these';

CREATE OR REPLACE FUNCTION require_period(period daterange, bounded boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF period IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'period must not be null';
	END IF;
	IF isempty(period) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'period must not be empty';
	END IF;
	IF bounded AND (lower_inf(period) OR upper_inf(period)
		OR NOT isfinite(lower(period)) OR NOT isfinite(upper(period))) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'period must have a first and a last day',
			DETAIL = format('It is %s.', period);
	END IF;
END
$$;
COMMENT ON FUNCTION require_period(daterange, boolean) IS
'raises an error where a period is null or empty, or, where it has to be bounded, is not';

CREATE OR REPLACE FUNCTION this_year() RETURNS daterange
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN daterange(date_trunc('year', current_date)::date, current_date, '[]');
END
$$;
COMMENT ON FUNCTION this_year() IS 'this year up to today';

/*
 * Who has counts but may not read rows shall not tell from them what one or two
 * neighbours did.  A row of counts is a chain: a total, a part of it, a part of
 * that.  Below county level
 * - a count is told where it and what the count before it leaves over are both at
 *   least about.small_cell: 20 with 18 handled would tell 2 that are not, and so
 *   would a rate with either;
 * - a hidden count that its siblings and the region above would tell (total less
 *   the others) takes the smallest told ones with it into hiding, until at least
 *   two are hidden that together make small_cell, in both the part and the rest;
 * - what is hidden for a region is hidden for all within it, which would add up.
 * Not prevented: differences between overlapping periods, between what a figure was
 * yesterday and is today, and with what somebody knows already; that siblings have
 * nothing at all, which tells of nobody; nor does it hide counts of a county or the
 * city.
 */
CREATE OR REPLACE FUNCTION tell_counts(keys text[], series text[], parents text[], whole boolean[],
	counts bigint[], OUT key text, OUT of_series text, OUT told bigint[]) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5000
SET search_path FROM CURRENT
AS $$
DECLARE
	small CONSTANT integer := (SELECT a.small_cell FROM about a);
	depths CONSTANT integer := array_length(counts, 2);
BEGIN
	IF keys IS NULL THEN
		RETURN;
	END IF;
	IF true = ALL (whole) THEN
		RETURN QUERY
		SELECT g.key, g.series, ARRAY(SELECT counts[g.n][d.depth]
			FROM generate_series(1, depths) AS d(depth) ORDER BY d.depth)
		FROM unnest(keys, series) WITH ORDINALITY AS g(key, series, n);
		RETURN;
	END IF;
	RETURN QUERY
	WITH RECURSIVE line AS MATERIALIZED (
		SELECT g.n::integer, g.key COLLATE "C" AS key, g.series COLLATE "C" AS series, g.parent COLLATE "C" AS parent, g.whole
		FROM unnest(keys, series, parents, whole) WITH ORDINALITY AS g(key, series, parent, whole, n)
	), cell AS MATERIALIZED (
		SELECT l.n, u.n AS up, l.whole, d.depth, c.amount, c.rest,
			coalesce(c.amount >= small AND c.rest >= small, false) AS fits,
			l.whole OR counts[l.n][1] >= small AS large
		FROM line l
			LEFT JOIN line u ON u.key = l.parent AND u.series IS NOT DISTINCT FROM l.series
			CROSS JOIN generate_series(1, depths) AS d(depth)
			CROSS JOIN LATERAL (SELECT counts[l.n][d.depth],
				coalesce(counts[l.n][d.depth - 1] - counts[l.n][d.depth], small)) AS c(amount, rest)
		-- Most villages have nothing at all, and are nobody's cover.
		WHERE l.whole OR counts[l.n][1] >= least(small, 1)
	), hidden AS (
		-- And most others too little, whatever their siblings have.
		SELECT c.up, c.depth, count(*) AS cells, sum(c.amount::double precision) AS amount,
			sum(c.rest::double precision) AS rest
		FROM cell c
		WHERE NOT c.large
		GROUP BY c.up, c.depth
	), apart AS (
		SELECT c.n, c.up, c.whole, c.depth, c.amount, c.fits AND (c.up IS NULL
			OR count(*) FILTER (WHERE NOT c.fits) OVER siblings + coalesce(h.cells, 0) = 0
			OR count(*) OVER smaller + coalesce(h.cells, 0) >= 2
				AND coalesce(sum(c.amount::double precision) OVER smaller, 0) + coalesce(h.amount, 0) >= small
				AND coalesce(sum(c.rest::double precision) OVER smaller, 0) + coalesce(h.rest, 0) >= small) AS safe
		FROM cell c LEFT JOIN hidden h ON h.up = c.up AND h.depth = c.depth
		WHERE c.large
		WINDOW siblings AS (PARTITION BY c.up, c.depth, c.whole),
			smaller AS (PARTITION BY c.up, c.depth, c.whole ORDER BY c.fits, c.amount, c.n
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
	), chain AS MATERIALIZED (
		SELECT a.n, a.up, a.whole, a.depth, a.amount, bool_and(a.safe) OVER (PARTITION BY a.n ORDER BY a.depth) AS safe
		FROM apart a
	), down AS (
		SELECT c.n, c.depth, c.amount, c.whole OR c.safe AS shown
		FROM chain c
		WHERE c.up IS NULL
		UNION ALL
		SELECT c.n, c.depth, c.amount, c.whole OR c.safe AND d.shown
		FROM down d JOIN chain c ON c.up = d.n AND c.depth = d.depth
	)
	SELECT l.key, l.series, coalesce(t.told, array_fill(NULL::bigint, ARRAY[depths]))
	FROM line l
		LEFT JOIN (SELECT d.n, array_agg(CASE WHEN d.shown THEN d.amount END ORDER BY d.depth) AS told
			FROM down d GROUP BY d.n) AS t ON t.n = l.n;
END
$$;
COMMENT ON FUNCTION tell_counts(text[], text[], text[], boolean[], bigint[]) IS
'counts with null for what is not told; counts holds a row for each key and series: a total, a part of it, a part of that, and so on';

/* ---- The three rates --------------------------------------------------------- */

CREATE OR REPLACE FUNCTION resolution_by_region(period daterange DEFAULT NULL,
	OUT region text, OUT level smallint, OUT name text, OUT registered bigint, OUT pending bigint,
	OUT handled bigint, OUT resolved bigint, OUT rate double precision, OUT resolved_share double precision,
	OUT handled_share double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 5000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	IF period IS NOT NULL THEN
		PERFORM require_period(period, false);
	END IF;
	RETURN QUERY
	WITH held AS (
		SELECT d.region, resolution_summary(d.state) AS cases
		FROM dispute d
		WHERE d.reported_at >= began AND d.reported_at < ended
		GROUP BY d.region
	), total AS MATERIALIZED (
		SELECT p.region, rollup(h.cases) AS cases
		FROM region_parts() p LEFT JOIN held h ON h.region = p.part
		GROUP BY p.region
	), told AS (
		SELECT t.key, t.told
		FROM (SELECT array_agg(f.region) AS keys, array_agg(f.parent) AS parents, array_agg(f.whole) AS whole,
				array_agg(ARRAY[registered(t.cases), handled(t.cases), resolved(t.cases)]) AS counts
			FROM total t JOIN figure_regions() f ON f.region = t.region) AS c
			CROSS JOIN LATERAL tell_counts(c.keys, NULL, c.parents, c.whole, c.counts) t
	)
	SELECT f.region, f.level, f.name, d.told[1], d.told[1] - d.told[2], d.told[2], d.told[3],
		CASE WHEN d.told[3] IS NOT NULL THEN rate(t.cases) END,
		CASE WHEN d.told[3] IS NOT NULL THEN resolved_share(t.cases) END,
		CASE WHEN d.told[2] IS NOT NULL THEN handled_share(t.cases) END
	FROM figure_regions() f
		JOIN total t ON t.region = f.region
		JOIN told d ON d.key = f.region;
END
$$;
COMMENT ON FUNCTION resolution_by_region(daterange) IS
'disputes reported in a period (null: ever), as they stand now, by region with all within it: registered (voided left out), pending, handled, resolved; rate: resolved of the handled; resolved_share, handled_share: of the registered';

/* Graded control: at which level of region cases are held and resolved. */
CREATE OR REPLACE FUNCTION resolution_by_level(period daterange DEFAULT NULL,
	OUT region text, OUT name text, OUT held_at smallint, OUT registered bigint, OUT handled bigint,
	OUT resolved bigint, OUT rate double precision, OUT share double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	IF period IS NOT NULL THEN
		PERFORM require_period(period, false);
	END IF;
	RETURN QUERY
	WITH held AS (
		SELECT d.region, resolution_summary(d.state) AS cases
		FROM dispute d
		WHERE d.reported_at >= began AND d.reported_at < ended
		GROUP BY d.region
	), level_total AS (
		SELECT f.region, f.name, o.level, rollup(h.cases) AS cases
		FROM figure_regions() f
			JOIN region_parts() p ON p.region = f.region
			JOIN region o ON o.code = p.part
			LEFT JOIN held h ON h.region = p.part
		WHERE f.whole AND f.level < 4
		GROUP BY f.region, f.name, o.level
	)
	SELECT t.region, t.name, t.level, registered(t.cases), handled(t.cases), resolved(t.cases), rate(t.cases),
		resolved(t.cases) / nullif(sum(resolved(t.cases)) OVER (PARTITION BY t.region), 0)::double precision
	FROM level_total t;
END
$$;
COMMENT ON FUNCTION resolution_by_level(daterange) IS
'graded control: disputes reported in a period (null: ever), as they stand now, by region and by the level of the region that holds them; share: of all that were resolved in the region, those resolved at this level. For analysts of counties and the city alone: levels would tell each other''s small counts';

/* ---- Found proactively, satisfaction ------------------------------------------ */

CREATE OR REPLACE FUNCTION tell_share(held_by text[], totals bigint[], parts bigint[],
	OUT region text, OUT level smallint, OUT name text, OUT total bigint, OUT part bigint,
	OUT share double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5000
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	WITH counted AS (
		SELECT p.region, coalesce(sum(h.total), 0)::bigint AS total, coalesce(sum(h.part), 0)::bigint AS part
		FROM region_parts() p LEFT JOIN unnest(held_by, totals, parts) AS h(region, total, part) ON h.region = p.part
		GROUP BY p.region
	), told AS (
		SELECT t.key, t.told
		FROM (SELECT array_agg(f.region) AS keys, array_agg(f.parent) AS parents, array_agg(f.whole) AS whole,
				array_agg(ARRAY[c.total, c.part]) AS counts
			FROM counted c JOIN figure_regions() f ON f.region = c.region) AS c
			CROSS JOIN LATERAL tell_counts(c.keys, NULL, c.parents, c.whole, c.counts) t
	)
	SELECT f.region, f.level, f.name, d.told[1], d.told[2], d.told[2] / nullif(d.told[1], 0)::double precision
	FROM figure_regions() f JOIN told d ON d.key = f.region;
END
$$;
COMMENT ON FUNCTION tell_share(text[], bigint[], bigint[]) IS
'adds totals and a part of each, counted by the region that holds the cases, up along the regions of figure_regions(), and tells them and the share as tell_counts() allows';

CREATE OR REPLACE FUNCTION proactive_by_region(period daterange DEFAULT NULL,
	OUT region text, OUT level smallint, OUT name text, OUT registered bigint, OUT proactive bigint,
	OUT share double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 5000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	IF period IS NOT NULL THEN
		PERFORM require_period(period, false);
	END IF;
	RETURN QUERY
	WITH held AS (
		SELECT d.region, count(*) AS registered, count(*) FILTER (WHERE d.found_by IN ('patrol', 'sweep')) AS proactive
		FROM dispute d
		WHERE d.state <> 'voided' AND d.reported_at >= began AND d.reported_at < ended
		GROUP BY d.region
	)
	SELECT s.region, s.level, s.name, s.total, s.part, s.share
	FROM (SELECT array_agg(h.region) AS held_by, array_agg(h.registered) AS totals, array_agg(h.proactive) AS parts FROM held h) AS c
		CROSS JOIN LATERAL tell_share(c.held_by, c.totals, c.parts) s;
END
$$;
COMMENT ON FUNCTION proactive_by_region(daterange) IS
'disputes reported in a period (null: ever), by region with all within it: registered, found proactively (by patrol or sweep), and their share; voided ones left out';

CREATE OR REPLACE FUNCTION satisfaction_by_region(period daterange DEFAULT NULL,
	OUT region text, OUT level smallint, OUT name text, OUT asked bigint, OUT satisfied bigint,
	OUT satisfaction double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 5000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	IF period IS NOT NULL THEN
		PERFORM require_period(period, false);
	END IF;
	RETURN QUERY
	WITH said AS (
		SELECT DISTINCT ON (l.id) l.id, l.satisfied
		FROM follow_up l
		WHERE l.kind IN ('feedback', 'look_back') AND l.satisfied IS NOT NULL
			AND l.happened_at >= began AND l.happened_at < ended
		ORDER BY l.id, l.seq DESC
	), held AS (
		SELECT d.region, count(*) AS asked, count(*) FILTER (WHERE s.satisfied) AS satisfied
		FROM said s JOIN dispute d ON d.id = s.id
		WHERE d.state <> 'voided'
		GROUP BY d.region
	)
	SELECT s.region, s.level, s.name, s.total, s.part, s.share
	FROM (SELECT array_agg(h.region) AS held_by, array_agg(h.asked) AS totals, array_agg(h.satisfied) AS parts FROM held h) AS c
		CROSS JOIN LATERAL tell_share(c.held_by, c.totals, c.parts) s;
END
$$;
COMMENT ON FUNCTION satisfaction_by_region(daterange) IS
'disputes whose parties said in a period (null: ever) whether they are satisfied, by region with all within it: asked, satisfied, and their share. Of each dispute the last feedback or look-back that says so counts; voided ones are left out';

/* ---- Hot spots ------------------------------------------------------------------ */

CREATE OR REPLACE FUNCTION hot_spots(period daterange DEFAULT daterange(current_date - 29, current_date, '[]'),
	top integer DEFAULT 20, OUT kind text, OUT level smallint, OUT place bigint, OUT code text, OUT name text,
	OUT disputes bigint, OUT per_30_days double precision, OUT before bigint, OUT change double precision)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 100
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	days integer;
BEGIN
	PERFORM require_period(period, true);
	days := upper(period) - lower(period);
	RETURN QUERY
	WITH recent AS MATERIALIZED (
		-- A place may lie in one region and its case be held by another.
		SELECT d.place_region, d.grid, d.reported_at::date AS day, coalesce(h.seen, false) AS seen
		FROM dispute d LEFT JOIN figure_regions() h ON h.region = d.region
		WHERE d.state <> 'voided'
			AND d.reported_at >= (lower(period) - days)::timestamptz AND d.reported_at < upper(period)::timestamptz
	), found AS (
		SELECT r.place_region, bool_and(r.seen) AS seen, period_summary(r.day, period, make_interval(days => days)) AS n
		FROM recent r
		GROUP BY r.place_region
	), spot AS MATERIALIZED (
		SELECT 'region' AS kind, f.level, f.region AS code, f.parent, f.name, f.level <= 2 OR t.seen AS whole,
			current_total(t.n)::bigint AS disputes, previous_total(t.n)::bigint AS before
		FROM (SELECT p.region, bool_and(o.seen) AS seen, rollup(o.n) AS n
			FROM region_parts() p JOIN found o ON o.place_region = p.part
			GROUP BY p.region) AS t
			JOIN figure_regions() f ON f.region = t.region
		UNION ALL
		SELECT 'grid', NULL, g.code, g.region, f.name, t.seen,
			current_total(t.n)::bigint, previous_total(t.n)::bigint
		FROM (SELECT r.grid, bool_and(r.seen) AS seen, period_summary(r.day, period, make_interval(days => days)) AS n
			FROM recent r WHERE r.grid IS NOT NULL
			GROUP BY r.grid) AS t
			JOIN grid g ON g.code = t.grid
			JOIN figure_regions() f ON f.region = g.region
	), told AS (
		SELECT t.key, max(t.told[1]) FILTER (WHERE t.of_series = 'now') AS disputes,
			max(t.told[1]) FILTER (WHERE t.of_series = 'before') AS before
		FROM (SELECT array_agg(s.kind || s.code) AS keys, array_agg('region' || s.parent) AS parents,
				array_agg(s.whole) AS whole, array_agg(w.series) AS series, array_agg(ARRAY[w.amount]) AS counts
			FROM spot s CROSS JOIN LATERAL (VALUES ('now', s.disputes), ('before', s.before)) AS w(series, amount)) AS c
			CROSS JOIN LATERAL tell_counts(c.keys, c.series, c.parents, c.whole, c.counts) t
		GROUP BY t.key
	), ranked AS (
		SELECT s.kind, s.level, rank() OVER (PARTITION BY s.kind, s.level ORDER BY t.disputes DESC) AS place,
			s.code, s.name, t.disputes, t.before
		FROM spot s JOIN told t ON t.key = s.kind || s.code
		WHERE t.disputes > 0
	)
	SELECT r.kind, r.level, r.place, r.code, r.name, r.disputes, r.disputes * 30.0::double precision / days, r.before,
		(r.disputes - r.before) / nullif(r.before, 0)::double precision
	FROM ranked r
	WHERE r.place <= top
	ORDER BY r.kind, r.level, r.place, r.code COLLATE "C";
END
$$;
COMMENT ON FUNCTION hot_spots(daterange, integer) IS
'where most disputes were reported in a period, by the place where they are: regions of each level and grids, the first so many of each; how many, per 30 days, how many in the period of the same length just before, and the change; voided ones are left out, and places whose count is too small to be told';

/* ---- Rankings and workload ------------------------------------------------------ */

CREATE OR REPLACE FUNCTION handled_disputes(OUT dispute bigint, OUT region text, OUT responsible text,
	OUT reported_at timestamptz, OUT handled_at timestamptz, OUT days double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20000
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	SELECT d.id, d.region, d.responsible, d.reported_at, l.happened_at,
		extract(epoch FROM l.happened_at - d.reported_at)::double precision / 86400
	FROM dispute d
		CROSS JOIN LATERAL (SELECT l.happened_at FROM follow_up l
			WHERE l.id = d.id AND l.kind IN ('transition', 'registered')
				AND is_handled(l.to_state) AND is_handled(l.from_state) IS NOT TRUE
			ORDER BY l.seq DESC LIMIT 1) AS l
	WHERE is_handled(d.state);
END
$$;
COMMENT ON FUNCTION handled_disputes() IS
'disputes that are resolved or transferred, with when they last came to be so and how many days after their report';

CREATE OR REPLACE FUNCTION centre_ranking(period daterange,
	OUT level smallint, OUT place bigint, OUT centre text, OUT name text, OUT registered bigint, OUT handled bigint,
	OUT resolved bigint, OUT rate double precision, OUT median_days double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	PERFORM require_period(period, false);
	RETURN QUERY
	WITH speed AS (
		SELECT p.region, percentile_cont(0.5) WITHIN GROUP (ORDER BY h.days) AS median_days
		FROM handled_disputes() h
			JOIN region_parts() p ON p.part = h.region
			JOIN centre c ON c.region = p.region
		WHERE h.reported_at >= began AND h.reported_at < ended
		GROUP BY p.region
	), figures AS (
		SELECT r.level, c.region, c.name, r.registered, r.handled, r.resolved, r.rate,
			CASE WHEN r.handled IS NOT NULL THEN s.median_days END AS median_days
		FROM resolution_by_region(period) r
			JOIN centre c ON c.region = r.region
			LEFT JOIN speed s ON s.region = c.region
	)
	SELECT f.level, CASE WHEN f.rate IS NOT NULL
			THEN rank() OVER (PARTITION BY f.level ORDER BY f.rate DESC NULLS LAST, f.median_days) END,
		f.region, f.name, f.registered, f.handled, f.resolved, f.rate, f.median_days
	FROM figures f
	ORDER BY 1, 2 NULLS LAST, 3;
END
$$;
COMMENT ON FUNCTION centre_ranking(daterange) IS
'centres of each level by the disputes of their region, all within it included, that were reported in a period: first by rate (resolved of the handled), then by the median of days from report to resolved or transferred';

CREATE OR REPLACE FUNCTION department_ranking(period daterange,
	OUT place bigint, OUT department integer, OUT name text, OUT region text, OUT offered bigint,
	OUT answers_due bigint, OUT answered_in_time bigint, OUT answer_rate double precision,
	OUT work_due bigint, OUT done_in_time bigint, OUT done_rate double precision,
	OUT answered bigint, OUT returned bigint, OUT return_rate double precision) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	PERFORM require_period(period, false);
	RETURN QUERY
	WITH given AS (
		SELECT a.department, count(*) AS offered, bool_and(coalesce(f.seen, false)) AS seen,
			-- Without an answer one is late once its time is over, even if then revoked.
			count(*) FILTER (WHERE a.answered_at IS NOT NULL
				OR coalesce(a.ended_at, now()) > a.answer_by) AS answers_due,
			count(*) FILTER (WHERE a.answered_at <= a.answer_by) AS answered_in_time,
			count(*) FILTER (WHERE a.state <> 'returned'
				AND (a.state = 'done' OR coalesce(a.ended_at::date, current_date) > a.done_by)
				AND a.done_by IS NOT NULL) AS work_due,
			count(*) FILTER (WHERE a.state = 'done' AND a.ended_at::date <= a.done_by) AS done_in_time,
			count(*) FILTER (WHERE a.answered_at IS NOT NULL) AS answered,
			count(*) FILTER (WHERE a.state = 'returned') AS returned
		FROM assignment a JOIN dispute d ON d.id = a.dispute
			LEFT JOIN figure_regions() f ON f.region = d.region
		WHERE a.offered_at >= began AND a.offered_at < ended
		GROUP BY a.department
	), figures AS MATERIALIZED (
		SELECT d.id, d.name, d.region, f.level <= 2 OR coalesce(g.seen, f.seen) AS whole,
			coalesce(g.offered, 0) AS offered, coalesce(g.answers_due, 0) AS answers_due,
			coalesce(g.answered_in_time, 0) AS answered_in_time, coalesce(g.work_due, 0) AS work_due,
			coalesce(g.done_in_time, 0) AS done_in_time, coalesce(g.answered, 0) AS answered,
			coalesce(g.returned, 0) AS returned
		FROM department d
			JOIN figure_regions() f ON f.region = d.region
			LEFT JOIN given g ON g.department = d.id
	), told AS (
		SELECT t.key,
			max(t.told[1]) FILTER (WHERE t.of_series = 'offered') AS offered,
			max(t.told[1]) FILTER (WHERE t.of_series = 'answer') AS answers_due,
			max(t.told[2]) FILTER (WHERE t.of_series = 'answer') AS answered_in_time,
			max(t.told[1]) FILTER (WHERE t.of_series = 'work') AS work_due,
			max(t.told[2]) FILTER (WHERE t.of_series = 'work') AS done_in_time,
			max(t.told[1]) FILTER (WHERE t.of_series = 'return') AS answered,
			max(t.told[2]) FILTER (WHERE t.of_series = 'return') AS returned
		FROM (SELECT array_agg(f.id::text) AS keys, array_agg(w.series) AS series, array_agg(NULL::text) AS parents,
				array_agg(f.whole) AS whole, array_agg(ARRAY[w.total, w.part]) AS counts
			FROM figures f CROSS JOIN LATERAL (VALUES ('offered', f.offered, f.offered),
				('answer', f.answers_due, f.answered_in_time), ('work', f.work_due, f.done_in_time),
				('return', f.answered, f.returned)) AS w(series, total, part)) AS c
			CROSS JOIN LATERAL tell_counts(c.keys, c.series, c.parents, c.whole, c.counts) t
		GROUP BY t.key
	), rated AS (
		SELECT f.id, f.name, f.region, t.offered,
			t.answers_due, t.answered_in_time, t.answered_in_time / nullif(t.answers_due, 0)::double precision AS answer_rate,
			t.work_due, t.done_in_time, t.done_in_time / nullif(t.work_due, 0)::double precision AS done_rate,
			t.answered, t.returned, t.returned / nullif(t.answered, 0)::double precision AS return_rate
		FROM figures f JOIN told t ON t.key = f.id::text
	)
	SELECT CASE WHEN r.answer_rate IS NOT NULL THEN rank() OVER (ORDER BY r.answer_rate DESC NULLS LAST,
			r.done_rate DESC NULLS LAST, r.return_rate NULLS LAST) END,
		r.*
	FROM rated r
	ORDER BY 1 NULLS LAST, r.id;
END
$$;
COMMENT ON FUNCTION department_ranking(daterange) IS
'departments by the disputes that they were offered in a period: first by answers in time (of those answered, or not and late), then by work done in time (of that with a term which is done, or not and late), then by the fewest returned (of those answered)';

CREATE OR REPLACE FUNCTION workload(period daterange,
	OUT account text, OUT department integer, OUT name text, OUT open bigint, OUT handled bigint,
	OUT median_days double precision, OUT reported bigint) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1000
SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
	began CONSTANT timestamptz := coalesce(lower(period)::timestamptz, '-infinity');
	ended CONSTANT timestamptz := coalesce(upper(period)::timestamptz, 'infinity');
BEGIN
	PERFORM require_period(period, false);
	RETURN QUERY
	WITH scope AS MATERIALIZED (
		SELECT f.region, f.level, f.seen, f.whole FROM figure_regions() f
	), part AS (
		SELECT d.responsible AS account, bool_and(s.whole) AS whole, count(*) AS open, 0 AS handled, 0 AS reported,
			NULL::double precision AS median_days
		FROM dispute d JOIN scope s ON s.region = d.region
		WHERE is_open(d.state) AND d.responsible IS NOT NULL
		GROUP BY d.responsible
		UNION ALL
		SELECT h.responsible, bool_and(s.whole), 0, count(*), 0, percentile_cont(0.5) WITHIN GROUP (ORDER BY h.days)
		FROM handled_disputes() h JOIN scope s ON s.region = h.region
		WHERE h.handled_at >= began AND h.handled_at < ended AND h.responsible IS NOT NULL
		GROUP BY h.responsible
		UNION ALL
		SELECT m.member, bool_and(s.whole), 0, 0, count(*), NULL
		FROM matter m JOIN scope s ON s.region = m.region
		WHERE m.reported_at >= began AND m.reported_at < ended AND m.member IS NOT NULL AND m.state <> 'voided'
		GROUP BY m.member
	), worker AS (
		SELECT p.account, NULL::integer AS department, NULL::text AS name, bool_and(p.whole) AS whole,
			sum(p.open)::bigint AS open, sum(p.handled)::bigint AS handled, max(p.median_days) AS median_days,
			sum(p.reported)::bigint AS reported
		FROM part p
		GROUP BY p.account
		UNION ALL
		SELECT NULL, d.id, d.name,
			s.level <= 2 OR coalesce(bool_and(coalesce(c.seen, false)) FILTER (WHERE a.id IS NOT NULL), s.seen),
			count(a.id) FILTER (WHERE a.state IN ('offered', 'accepted')),
			count(a.id) FILTER (WHERE a.state = 'done'),
			percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.ended_at - a.offered_at)::double precision
				/ 86400) FILTER (WHERE a.state = 'done'),
			NULL
		FROM department d
			JOIN scope s ON s.region = d.region
			LEFT JOIN (assignment a JOIN dispute o ON o.id = a.dispute LEFT JOIN scope c ON c.region = o.region)
				ON a.department = d.id
					AND (a.state IN ('offered', 'accepted') OR a.state = 'done' AND a.ended_at >= began AND a.ended_at < ended)
		GROUP BY d.id, d.name, s.level, s.seen
	)
	SELECT k.account, k.department, k.name,
		CASE WHEN k.whole OR k.open >= a.small_cell THEN k.open END,
		CASE WHEN k.whole OR k.handled >= a.small_cell THEN k.handled END,
		CASE WHEN k.whole OR k.handled >= a.small_cell THEN k.median_days END,
		CASE WHEN k.whole OR k.reported >= a.small_cell THEN k.reported END
	FROM worker k CROSS JOIN about a
	ORDER BY k.department NULLS FIRST, k.account COLLATE "C";
END
$$;
COMMENT ON FUNCTION workload(daterange) IS
'accounts by the disputes that they are responsible for and the matters that they reported, and departments by what they were given: open now, handled in a period (accounts: resolved or transferred, departments: done), the median of days that took from the report or the offer, and matters reported in the period';
$script$);

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('overdue view', 51, NULL, $script$
-- A view's text would hold the name of the table, and not follow a rename.
CREATE OR REPLACE FUNCTION overdue_cases(OUT dispute bigint, OUT state case_state, OUT risk risk_level, OUT reason text,
	OUT last_at timestamptz, OUT due_at timestamptz, OUT overdue_by interval) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN QUERY
	SELECT o.case_key::bigint, o.state, o.risk, o.reason, o.last_at, o.due_at, o.overdue_by
	FROM overdue('dispute') o;
END
$$;
COMMENT ON FUNCTION overdue_cases() IS
'what overdue() says of the disputes that whoever asks may read';

CREATE OR REPLACE VIEW overdue_disputes @row_view@ AS
SELECT o.dispute, d.region, o.state, o.risk, d.responsible, d.leader, o.reason, o.last_at, o.due_at, o.overdue_by
FROM overdue_cases() o JOIN dispute d ON d.id = o.dispute
WHERE @row_scope@;
COMMENT ON VIEW overdue_disputes IS 'disputes that are late under a term of their policy, of those that the acting account may see';
COMMENT ON COLUMN overdue_disputes.dispute IS 'number';
COMMENT ON COLUMN overdue_disputes.region IS 'region that holds the case';
COMMENT ON COLUMN overdue_disputes.state IS 'where it is in the closed loop';
COMMENT ON COLUMN overdue_disputes.risk IS 'its risk';
COMMENT ON COLUMN overdue_disputes.responsible IS 'account that is responsible';
COMMENT ON COLUMN overdue_disputes.leader IS 'account of the leader who stands for it';
COMMENT ON COLUMN overdue_disputes.reason IS 'stay: too long in its state; contact: too long without one';
COMMENT ON COLUMN overdue_disputes.last_at IS 'when it came there, or when the last contact was';
COMMENT ON COLUMN overdue_disputes.due_at IS 'until when it should have moved, or the next contact been';
COMMENT ON COLUMN overdue_disputes.overdue_by IS 'how long ago that was';
$script$),

('figure views', 56, NULL, $script$
CREATE OR REPLACE VIEW region_rollup AS
SELECT r.region, r.level, r.name, r.registered, r.pending, r.handled, r.resolved, r.rate, r.resolved_share,
	r.handled_share
FROM resolution_by_region() r;
COMMENT ON VIEW region_rollup IS 'disputes of each region and all within it, in counts, where the acting account is an analyst, centre, leader or inspector; for analysts, small counts below the counties are null';
COMMENT ON COLUMN region_rollup.region IS 'the region';
COMMENT ON COLUMN region_rollup.level IS '1 city, 2 county, 3 township, 4 village';
COMMENT ON COLUMN region_rollup.name IS 'its name';
COMMENT ON COLUMN region_rollup.registered IS 'disputes registered, voided ones left out';
COMMENT ON COLUMN region_rollup.pending IS 'of these, open ones';
COMMENT ON COLUMN region_rollup.handled IS 'of these, resolved or transferred';
COMMENT ON COLUMN region_rollup.resolved IS 'of these, resolved';
COMMENT ON COLUMN region_rollup.rate IS 'resolved of those handled';
COMMENT ON COLUMN region_rollup.resolved_share IS 'resolved of those registered';
COMMENT ON COLUMN region_rollup.handled_share IS 'handled of those registered';

CREATE OR REPLACE VIEW hot_spots AS
SELECT h.kind, h.level, h.place, h.code, h.name, h.disputes, h.before, h.change
FROM hot_spots() h;
COMMENT ON VIEW hot_spots IS 'where most disputes were reported in the last 30 days, by the place where they are: the first 20 regions of each level, and grids';
COMMENT ON COLUMN hot_spots.kind IS 'region or grid';
COMMENT ON COLUMN hot_spots.level IS 'level of a region: 1 city, 2 county, 3 township, 4 village';
COMMENT ON COLUMN hot_spots.place IS 'place among its like, most disputes first';
COMMENT ON COLUMN hot_spots.code IS 'the region, or the grid';
COMMENT ON COLUMN hot_spots.name IS 'name of the region, or of the one that the grid lies in';
COMMENT ON COLUMN hot_spots.disputes IS 'disputes reported in the last 30 days';
COMMENT ON COLUMN hot_spots.before IS 'disputes reported in the 30 days before; null: too few to be told';
COMMENT ON COLUMN hot_spots.change IS 'change against the 30 days before';

CREATE OR REPLACE VIEW centre_ranking AS
SELECT r.level, r.place, r.centre, r.name, r.registered, r.handled, r.resolved, r.rate, r.median_days
FROM centre_ranking(this_year()) r;
COMMENT ON VIEW centre_ranking IS 'centres of each level by the disputes of their region that were reported this year: by rate, then by speed';
COMMENT ON COLUMN centre_ranking.level IS 'level of its region: 1 city, 2 county, 3 township, 4 village';
COMMENT ON COLUMN centre_ranking.place IS 'place among centres of its level; null where there is no rate';
COMMENT ON COLUMN centre_ranking.centre IS 'the centre, by its region';
COMMENT ON COLUMN centre_ranking.name IS 'its name';
COMMENT ON COLUMN centre_ranking.registered IS 'disputes registered, voided ones left out';
COMMENT ON COLUMN centre_ranking.handled IS 'of these, resolved or transferred';
COMMENT ON COLUMN centre_ranking.resolved IS 'of these, resolved';
COMMENT ON COLUMN centre_ranking.rate IS 'resolved of those handled';
COMMENT ON COLUMN centre_ranking.median_days IS 'median of days from the report until they were handled';

CREATE OR REPLACE VIEW department_ranking AS
SELECT r.place, r.department, r.name, r.region, r.offered, r.answers_due, r.answered_in_time, r.answer_rate,
	r.work_due, r.done_in_time, r.done_rate, r.answered, r.returned, r.return_rate
FROM department_ranking(this_year()) r;
COMMENT ON VIEW department_ranking IS 'departments by the disputes that they were offered this year: by answers in time, then by work done in time, then by the fewest returned';
COMMENT ON COLUMN department_ranking.place IS 'place among the departments; null where no answer was due';
COMMENT ON COLUMN department_ranking.department IS 'the department';
COMMENT ON COLUMN department_ranking.name IS 'its name';
COMMENT ON COLUMN department_ranking.region IS 'region whose department it is';
COMMENT ON COLUMN department_ranking.offered IS 'disputes offered to it';
COMMENT ON COLUMN department_ranking.answers_due IS 'of these, answered, or not and late';
COMMENT ON COLUMN department_ranking.answered_in_time IS 'of these, answered in time';
COMMENT ON COLUMN department_ranking.answer_rate IS 'answered in time of those due';
COMMENT ON COLUMN department_ranking.work_due IS 'disputes offered with a term for the work which is done, or not and late; returned ones left out';
COMMENT ON COLUMN department_ranking.done_in_time IS 'of these, done in time';
COMMENT ON COLUMN department_ranking.done_rate IS 'done in time of those due';
COMMENT ON COLUMN department_ranking.answered IS 'offers answered';
COMMENT ON COLUMN department_ranking.returned IS 'of these, returned';
COMMENT ON COLUMN department_ranking.return_rate IS 'returned of those answered';

CREATE OR REPLACE VIEW workload AS
SELECT w.account, w.department, w.name, w.open, w.handled, w.median_days, w.reported
FROM workload(this_year()) w;
COMMENT ON VIEW workload IS 'what accounts and departments have to do, and did this year';
COMMENT ON COLUMN workload.account IS 'an account';
COMMENT ON COLUMN workload.department IS 'or a department';
COMMENT ON COLUMN workload.name IS 'name of the department';
COMMENT ON COLUMN workload.open IS 'open disputes that the account is responsible for, or live assignments of the department';
COMMENT ON COLUMN workload.handled IS 'disputes of the account that were resolved or transferred this year, or assignments that the department has done';
COMMENT ON COLUMN workload.median_days IS 'median of days that this took, from the report or the offer';
COMMENT ON COLUMN workload.reported IS 'matters that the account reported this year';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector}', 'SELECT', 'overdue_disputes'),
	('{member,officer,centre,leader,inspector}', 'EXECUTE', 'FUNCTION overdue_cases()'),
	('{analyst,centre,leader,inspector}', 'SELECT', 'region_rollup, hot_spots, centre_ranking, department_ranking, workload'),
	('{analyst,centre,leader,inspector}', 'EXECUTE', 'FUNCTION this_year(), resolution_by_region(daterange), '
		'resolution_by_level(daterange), proactive_by_region(daterange), satisfaction_by_region(daterange), '
		'hot_spots(daterange, integer), centre_ranking(daterange), department_ranking(daterange), '
		'workload(daterange)');
