--@ title a follow-up to a chain of 10,000 links, against one to a chain of one
--@ unit link = SELECT :links
--@ rows 10000 10000
--@ grow 1 10 100 1000 10000
--@ flat
--@ bar govcase_long / govcase_short <= 1.1
--@ setup
-- Rows are what the long chain has already.
\if :beside
\set links 2000
\else
\set links 100
\endif
\i :here/cases.psql
SELECT create_follow_ups('dispute', 'follow_up') \g /dev/null
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up') \g /dev/null
INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, 2000) AS n;
INSERT INTO follow_up (id, kind) SELECT 1, 'visit' FROM generate_series(2, :rows);
VACUUM ANALYZE dispute, follow_up;
--@ run govcase_long
BEGIN; INSERT INTO follow_up (id, kind) SELECT 1, 'visit' FROM generate_series(1, :links); ROLLBACK;
--@ run govcase_short
BEGIN; INSERT INTO follow_up (id, kind) SELECT 2, 'visit' FROM generate_series(1, :links); ROLLBACK;
--@ undo
VACUUM follow_up, dispute;
