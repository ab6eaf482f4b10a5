--@ title case_state: ORDER BY
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ base types
--@ setup
SET max_parallel_workers_per_gather = 0;
SET work_mem = '256MB';
--@ run govcase
SELECT count(*) FROM (SELECT state FROM govcase_row ORDER BY state OFFSET 0) s;
--@ run smallint
SELECT count(*) FROM (SELECT state FROM smallint_row ORDER BY state OFFSET 0) s;
--@ run char
SELECT count(*) FROM (SELECT state FROM char_row ORDER BY state OFFSET 0) s;
