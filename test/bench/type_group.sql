--@ title case_state: GROUP BY
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ base types
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT state, count(*) FROM govcase_row GROUP BY state;
--@ run smallint
SELECT state, count(*) FROM smallint_row GROUP BY state;
--@ run char
SELECT state, count(*) FROM char_row GROUP BY state;
