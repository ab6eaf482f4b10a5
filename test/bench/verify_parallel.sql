--@ title verify_chain with parallel workers: gain over one process, against that of count(*)
--@ parallel
--@ unit link = SELECT count(*) FROM follow_up
--@ rows 30000 5000
--@ grow 1000 10000 100000 1000000
--@ bar (govcase_one / govcase_two) / (count_one / count_two) >= 0.9
--@ say govcase_one / govcase_two
--@ base chains
--@ setup
INSERT INTO follow_up (id, kind) SELECT id, 'visit' FROM generate_series(1, 9) AS n, dispute ORDER BY n, id;
VACUUM ANALYZE follow_up, dispute;
ALTER TABLE follow_up SET (parallel_workers = 1);
--@ run govcase_one
SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM verify_chain('dispute');
--@ run govcase_two
SET max_parallel_workers_per_gather = 1; SELECT count(*) FROM verify_chain('dispute');
--@ run count_one
SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM follow_up;
--@ run count_two
SET max_parallel_workers_per_gather = 1; SELECT count(*) FROM follow_up;
