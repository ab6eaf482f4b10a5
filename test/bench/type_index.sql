--@ title case_state: index build
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ setup
\i :here/types.psql
--@ run govcase
BEGIN; CREATE INDEX ON govcase_row (state); ROLLBACK;
--@ run smallint
BEGIN; CREATE INDEX ON smallint_row (state); ROLLBACK;
--@ run char
BEGIN; CREATE INDEX ON char_row (state); ROLLBACK;
