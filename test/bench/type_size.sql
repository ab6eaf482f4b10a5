--@ title case_state: index size
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ setup
\i :here/types.psql
CREATE INDEX govcase_index ON govcase_row (state);
CREATE INDEX smallint_index ON smallint_row (state);
CREATE INDEX char_index ON char_row (state);
--@ size govcase
SELECT pg_relation_size('govcase_index');
--@ size smallint
SELECT pg_relation_size('smallint_index');
--@ size char
SELECT pg_relation_size('char_index');
