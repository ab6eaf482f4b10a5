-- The year, month by month: first what the members report, and then the disputes,
-- played by the city's accounts: ordinary statements, each at its time and with the
-- account that acts, all triggers on.

-- Whoever owns the table may enter matters as they ended, without each step that
-- led there, until the transaction ends.  What was said is kept of those alone that
-- somebody still works on, as a purge would leave it.
CREATE PROCEDURE pg_temp.report_matters(from_day timestamptz, to_day timestamptz)
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM begin_history('matter');
	INSERT INTO matter (id, item, region, grid, member, state, reported_at, received_at, reason)
		SELECT id, item, left(grid, 12), grid, member, state::case_state, reported_at, received_at, reason
		FROM report WHERE reported_at >= from_day AND reported_at < to_day
		ORDER BY reported_at, id;
	INSERT INTO matter_detail (matter, content, place)
		SELECT id, content, point
		FROM report WHERE reported_at >= from_day AND reported_at < to_day AND state NOT IN ('closed', 'transferred', 'voided')
		ORDER BY reported_at, id;
END
$$;

CREATE PROCEDURE pg_temp.live_through(from_day timestamptz, to_day timestamptz)
	LANGUAGE plpgsql AS $$
DECLARE
	b	record;
BEGIN
	FOR b IN SELECT * FROM batch WHERE at >= from_day AND at < to_day ORDER BY batch LOOP
		-- What an application says with SET LOCAL.
		PERFORM set_config('govcase.account', b.actor, true),
			set_config('govcase.happened_at', b.at::text, true);

		CASE b.action
		WHEN 'register' THEN
			INSERT INTO dispute (id, region, place_region, grid, risk, difficult, found_by, grounds, situation, theme, item, reported_at)
				OVERRIDING SYSTEM VALUE
				SELECT e.id, e.region, left(s.grid, 12), s.grid, e.risk, e.difficult, e.found_by, e.grounds, e.situation, s.theme,
					r.item, s.reported_at
				FROM event AS e JOIN story AS s USING (id) LEFT JOIN report AS r ON r.dispute = e.id
				WHERE batch = b.batch;
			INSERT INTO dispute_detail (dispute, title, narrative, place)
				SELECT id, s.title, s.narrative, s.point
				FROM event JOIN story AS s USING (id) WHERE batch = b.batch;
			INSERT INTO dispute_party (dispute, role, name, person_digest)
				SELECT id, role, name, pg_temp.made_up_digest(s.seed, role)
				FROM event JOIN story AS s USING (id)
					CROSS JOIN LATERAL (VALUES ('applicant', s.one), ('respondent', s.other)) AS p (role, name)
				WHERE batch = b.batch;
			-- What a member reported is raised to it.
			UPDATE matter AS m SET state = 'transferred', dispute = e.id, reason = format('raised to dispute %s', e.id)
			FROM event AS e JOIN report AS r ON r.dispute = e.id
			WHERE batch = b.batch AND m.id = r.id;
		WHEN 'assign' THEN
			UPDATE dispute AS d SET state = 'assigned', responsible = e.responsible,
				leader = CASE WHEN d.risk = 'red' OR d.difficult THEN e.leader END,
				open_work = 1, departments = ARRAY[e.department]
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
			INSERT INTO assignment (dispute, department, leads, offered_at, answer_by)
				SELECT id, department, true, at, at + interval '3 days'
				FROM event WHERE batch = b.batch;
		WHEN 'hand_back' THEN
			UPDATE assignment AS a SET state = 'returned', account = e.responsible, answered_at = e.at, ended_at = e.at, reason = e.reason
			FROM event AS e WHERE batch = b.batch AND a.dispute = e.id AND a.state = 'offered';
			UPDATE dispute AS d SET state = 'collected', reason = e.reason, open_work = 0
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'take_up' THEN
			UPDATE assignment AS a SET state = 'accepted', account = e.responsible, answered_at = e.at
			FROM event AS e WHERE batch = b.batch AND a.dispute = e.id AND a.state = 'offered';
			UPDATE dispute AS d SET state = 'handling'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'supervise' THEN
			UPDATE dispute AS d SET state = 'supervised'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'leave_be' THEN
			UPDATE dispute AS d SET state = 'handling'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'record' THEN
			INSERT INTO follow_up (id, happened_at, kind, satisfied, note)
				SELECT id, at - earlier, kind, satisfied, note
				FROM event WHERE batch = b.batch;
		WHEN 'raise' THEN
			UPDATE dispute AS d SET risk = e.risk, region = e.region, leader = e.leader, grounds = e.grounds, reason = e.reason
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'calm', 'soften' THEN
			UPDATE dispute AS d SET risk = e.risk
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'report' THEN
			UPDATE assignment AS a SET state = 'done', ended_at = e.at
			FROM event AS e WHERE batch = b.batch AND a.dispute = e.id AND a.state = 'accepted';
			UPDATE dispute AS d SET state = 'fed_back', open_work = 0
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'rework', 'refuse', 'take_back', 'reopen' THEN
			UPDATE dispute AS d SET state = 'handling', risk = e.risk, reason = e.reason, open_work = 1,
				region = CASE WHEN e.risk = 'red' THEN e.region ELSE d.region END,
				leader = CASE WHEN e.risk = 'red' THEN e.leader ELSE d.leader END,
				grounds = coalesce(e.grounds, d.grounds)
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
			INSERT INTO assignment (dispute, department, leads, state, account, offered_at, answer_by, answered_at)
				SELECT id, department, true, 'accepted', responsible, at, at + interval '3 days', at
				FROM event WHERE batch = b.batch;
		WHEN 'assess' THEN
			UPDATE dispute AS d SET state = 'assessed'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'close' THEN
			UPDATE dispute AS d SET state = 'closed'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'close_anyway' THEN
			UPDATE dispute AS d SET state = 'closed', reason = e.reason
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'transfer' THEN
			-- The registry revokes what departments still have to do, and counts it off.
			UPDATE dispute AS d SET state = 'transferred', reason = e.reason
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		END CASE;
		-- Each is a transaction of its own, at whose end such settings are forgotten.
		COMMIT;
	END LOOP;
END
$$;

-- One line that says how far we are.
CREATE FUNCTION pg_temp.progress(at date, started timestamptz) RETURNS text
	LANGUAGE sql VOLATILE AS $$
		SELECT format('   end of %s: %s matters, %s disputes, %s resolved, %s links, after %s s', to_char(at, 'Mon'),
			(SELECT count(*) FROM matter), (SELECT count(*) FROM dispute), (SELECT count(*) FROM dispute WHERE is_resolved(state)),
			(SELECT count(*) FROM follow_up),
			round(extract(epoch FROM clock_timestamp() - started)::numeric, 1))
	$$;

\echo 'Walking them through the loop by INSERT and UPDATE, triggers on …'
SELECT clock_timestamp() AS load_started \gset
\pset tuples_only on
\pset format unaligned
-- The same forty statements many thousand times: plan each once a month.
SET plan_cache_mode = force_generic_plan;
SELECT format('CALL pg_temp.report_matters(%L, %L)', month, month + interval '1 month'),
	format('CALL pg_temp.live_through(%L, %L)', month, month + interval '1 month'),
	'VACUUM (ANALYZE) dispute', 'VACUUM (ANALYZE) assignment', 'ANALYZE follow_up',
	format('SELECT pg_temp.progress(%L, %L)', month, :'load_started')
FROM generate_series(:'year_begins'::date, :'year_ends'::date - 1, interval '1 month') AS month
\gexec
RESET plan_cache_mode;
\pset tuples_only off
\pset format aligned

ANALYZE matter, matter_detail, dispute_detail, dispute_party;

-- The next case's number follows the last one's.
SELECT setval(pg_get_serial_sequence('dispute', 'id'), max(id)) FROM dispute \g /dev/null
SELECT round(extract(epoch FROM clock_timestamp() - :'load_started'::timestamptz)::numeric, 1) AS load_seconds \gset
\echo
