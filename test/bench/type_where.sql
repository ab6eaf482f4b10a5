--@ title case_state: WHERE
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ setup
\i :here/types.psql
--@ run govcase
SELECT count(*) FROM govcase_row WHERE state = 'handling';
--@ run smallint
SELECT count(*) FROM smallint_row WHERE state = '30';
--@ run char
SELECT count(*) FROM char_row WHERE state = 'F';
