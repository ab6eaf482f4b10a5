--@ title case_state: index size
--@ unit row 1000000 100000
--@ bar govcase / smallint <= 1.05
--@ say govcase / char
--@ base types
--@ setup
CREATE INDEX govcase_index ON govcase_row (state);
\if :beside
CREATE INDEX smallint_index ON smallint_row (state);
CREATE INDEX char_index ON char_row (state);
\endif
--@ size govcase
SELECT pg_relation_size('govcase_index');
--@ size smallint
SELECT pg_relation_size('smallint_index');
--@ size char
SELECT pg_relation_size('char_index');
