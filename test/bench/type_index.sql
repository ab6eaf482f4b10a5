--@ title case_state: index build
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ base types
--@ setup
SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '256MB';
--@ run govcase
BEGIN; CREATE INDEX ON govcase_row (state); ROLLBACK;
--@ run smallint
BEGIN; CREATE INDEX ON smallint_row (state); ROLLBACK;
--@ run char
BEGIN; CREATE INDEX ON char_row (state); ROLLBACK;
