--@ title case_state: WHERE
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ base types
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT count(*) FROM govcase_row WHERE state = 'handling';
--@ run smallint
SELECT count(*) FROM smallint_row WHERE state = '30';
--@ run char
SELECT count(*) FROM char_row WHERE state = 'F';
