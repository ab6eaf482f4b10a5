--@ title overdue() where three in a hundred cases are open, against counting the open by their index
--@ unit case = SELECT count(*) FROM dispute WHERE state <> 'closed'
--@ rows 1000000 30000
--@ bar govcase / count_open <= 20
--@ setup
\i :here/cases.psql
SELECT create_follow_ups('dispute', 'follow_up') \g /dev/null
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up') \g /dev/null
BEGIN;
SELECT begin_history('dispute') \g /dev/null
INSERT INTO dispute (id, title, state, risk, responsible, leader)
	SELECT n, 'a bride price, two families', CASE WHEN n % 33 = 0 THEN 'handling' ELSE 'closed' END,
		CASE WHEN n % 33 = 0 THEN (CASE WHEN n % 2 = 0 THEN 'red' ELSE 'yellow' END) ELSE 'blue' END, 'officer-7', 'leader-2'
	FROM generate_series(1, :rows) AS n;
COMMIT;
VACUUM ANALYZE dispute, follow_up;
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT count(*) FROM overdue('dispute', now() + interval '10 days');
--@ run count_open
SELECT count(*) FROM dispute WHERE state IN ('collected', 'assigned', 'handling', 'supervised', 'fed_back', 'assessed', 'transferred');
