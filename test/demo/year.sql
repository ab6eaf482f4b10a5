-- The year, played by the city's accounts: one ordinary statement a batch, each
-- at its time and with the account that acts, all triggers on.
CREATE PROCEDURE pg_temp.live_through(from_day timestamptz, to_day timestamptz)
	LANGUAGE plpgsql
	-- The same twenty statements many thousand times: plan each once a month.
	SET plan_cache_mode = force_generic_plan
	AS $$
DECLARE
	b	record;
BEGIN
	FOR b IN SELECT * FROM batch WHERE at >= from_day AND at < to_day ORDER BY batch LOOP
		-- What an application says with SET LOCAL.
		PERFORM set_config('govcase.actor', b.actor, true),
			set_config('govcase.happened_at', b.at::text, true);

		CASE b.action
		WHEN 'register' THEN
			INSERT INTO dispute (id, region, situation, risk, difficult, reported_at, point)
				SELECT id, region, situation, risk, difficult, at - earlier, point
				FROM event WHERE batch = b.batch;
		WHEN 'assign' THEN
			UPDATE dispute AS d SET state = 'assigned', responsible = e.responsible,
				leader = CASE WHEN d.risk = 'red' OR d.difficult THEN e.leader END, open_work = 1
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'hand_back' THEN
			UPDATE dispute AS d SET state = 'collected', reason = e.reason, open_work = 0
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'take_up' THEN
			UPDATE dispute AS d SET state = 'handling'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'supervise' THEN
			UPDATE dispute AS d SET state = 'supervised'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'leave_be' THEN
			UPDATE dispute AS d SET state = 'handling'
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'record' THEN
			INSERT INTO follow_up (id, happened_at, kind, actor, satisfied, note)
				SELECT id, at - earlier, kind, actor, satisfied, note
				FROM event WHERE batch = b.batch;
		WHEN 'raise' THEN
			UPDATE dispute AS d SET risk = e.risk, leader = e.leader, reason = e.reason
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'calm', 'soften' THEN
			UPDATE dispute AS d SET risk = e.risk
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'report' THEN
			UPDATE dispute AS d SET state = 'fed_back', open_work = 0
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'rework', 'refuse', 'take_back' THEN
			UPDATE dispute AS d SET state = 'handling', reason = e.reason, open_work = 1
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
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
			UPDATE dispute AS d SET state = 'transferred', reason = e.reason, open_work = 0
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		WHEN 'reopen' THEN
			UPDATE dispute AS d SET state = 'handling', risk = e.risk, reason = e.reason, open_work = 1,
				leader = CASE WHEN e.risk = 'red' THEN e.leader ELSE d.leader END
			FROM event AS e WHERE batch = b.batch AND d.id = e.id;
		END CASE;
	END LOOP;
	PERFORM set_config('govcase.actor', '', true), set_config('govcase.happened_at', '', true);
END
$$;

-- One line that says how far we are.
CREATE FUNCTION pg_temp.progress(at date, started timestamptz) RETURNS text
	LANGUAGE sql VOLATILE AS $$
		SELECT format('   end of %s: %s disputes, %s resolved, %s links, after %s s', to_char(at, 'Mon'),
			(SELECT count(*) FROM dispute), (SELECT count(*) FROM dispute WHERE is_resolved(state)),
			(SELECT count(*) FROM follow_up),
			round(extract(epoch FROM clock_timestamp() - started)::numeric, 1))
	$$;

\echo 'Walking them through the loop by INSERT and UPDATE, triggers on …'
SELECT clock_timestamp() AS load_started \gset
\pset tuples_only on
\pset format unaligned
SELECT format('CALL pg_temp.live_through(%L, %L)', month, month + interval '1 month'),
	'VACUUM (ANALYZE) dispute', 'ANALYZE follow_up',
	format('SELECT pg_temp.progress(%L, %L)', month, :'load_started')
FROM generate_series(:'year_begins'::date, :'year_ends'::date - 1, interval '1 month') AS month
\gexec
\pset tuples_only off
\pset format aligned

-- The next case's number follows the last one's.
SELECT setval(pg_get_serial_sequence('dispute', 'id'), max(id)) FROM dispute \g /dev/null
SELECT round(extract(epoch FROM clock_timestamp() - :'load_started'::timestamptz)::numeric, 1) AS load_seconds \gset
\echo
