--@ title an UPDATE that changes neither state nor risk nor a role
--@ unit row 50000 10000
--@ bar govcase / empty <= 1.1
--@ say empty / bare
--@ setup
\i :here/cases.psql
INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, :rows) AS n;
\if :beside
CREATE TABLE empty (LIKE dispute INCLUDING ALL);
CREATE TABLE bare (LIKE dispute INCLUDING ALL);
INSERT INTO empty SELECT * FROM dispute;
INSERT INTO bare SELECT * FROM dispute;
CREATE FUNCTION do_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER never AFTER UPDATE ON empty FOR EACH ROW WHEN (false) EXECUTE FUNCTION do_nothing();
VACUUM ANALYZE empty, bare;
\endif
-- Without a chain; the trigger for UPDATE is the same with one.
SELECT protect_cases('dispute', 'three_colour', without_links => true, accept_existing => true) \g /dev/null
VACUUM ANALYZE dispute;
--@ run govcase
BEGIN; UPDATE dispute SET title = 'a bride price, two villages'; ROLLBACK;
--@ run empty
BEGIN; UPDATE empty SET title = 'a bride price, two villages'; ROLLBACK;
--@ run bare
BEGIN; UPDATE bare SET title = 'a bride price, two villages'; ROLLBACK;
--@ undo
VACUUM dispute;
\if :beside
VACUUM empty, bare;
\endif
