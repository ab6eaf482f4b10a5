--@ title an UPDATE of the state, checked, without a chain
--@ unit row 50000 10000
--@ bar (govcase - bare) / (plpgsql - bare) <= 1/8
--@ say govcase / bare
--@ setup
\i :here/cases.psql
INSERT INTO dispute (id, title, risk, responsible) SELECT n, 'a bride price, two families', 'yellow', 'officer-' || n % 1000 FROM generate_series(1, :rows) AS n;
\if :beside
\i :here/alternative.psql
CREATE TABLE bare (LIKE dispute INCLUDING ALL);
INSERT INTO bare SELECT * FROM dispute;
INSERT INTO plain_dispute (id, title, risk, responsible) SELECT id, title, 20, responsible FROM bare;
CREATE TRIGGER check_move AFTER UPDATE ON plain_dispute FOR EACH ROW
	WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.risk IS DISTINCT FROM NEW.risk) EXECUTE FUNCTION check_move();
VACUUM ANALYZE plain_dispute, bare;
\endif
SELECT protect_cases('dispute', 'three_colour', without_links => true, accept_existing => true) \g /dev/null
VACUUM ANALYZE dispute;
--@ run govcase
BEGIN; UPDATE dispute SET state = 'assigned'; ROLLBACK;
--@ run plpgsql
BEGIN; UPDATE plain_dispute SET state = 20; ROLLBACK;
--@ run bare
BEGIN; UPDATE bare SET state = 'assigned'; ROLLBACK;
--@ undo
VACUUM dispute;
\if :beside
VACUUM plain_dispute, bare;
\endif
