--@ title an UPDATE of the state, checked, its link written and hashed
--@ unit row 50000 5000
--@ grow
--@ bar (govcase - bare) / (plpgsql - bare) <= 1/3
--@ say govcase / plpgsql
--@ setup
\i :here/cases.psql
\i :here/alternative.psql
CREATE TABLE bare (LIKE dispute INCLUDING ALL);
INSERT INTO bare (id, title, risk, responsible) SELECT n, 'a bride price, two families', 'yellow', 'officer-' || n % 1000 FROM generate_series(1, :rows) AS n;
SELECT create_follow_ups('dispute', 'follow_up') \g /dev/null
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up') \g /dev/null
INSERT INTO dispute SELECT * FROM bare;
CREATE TRIGGER register AFTER INSERT ON plain_dispute FOR EACH ROW EXECUTE FUNCTION register_plain();
CREATE TRIGGER move AFTER UPDATE ON plain_dispute FOR EACH ROW
	WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.risk IS DISTINCT FROM NEW.risk) EXECUTE FUNCTION move_plain();
-- In two goes, so that the plans of its triggers are made for tables of a size.
INSERT INTO plain_dispute (id, title, risk, responsible) SELECT id, title, 20, responsible FROM bare WHERE id <= 1000;
VACUUM ANALYZE plain_dispute, plain_link;
INSERT INTO plain_dispute (id, title, risk, responsible) SELECT id, title, 20, responsible FROM bare WHERE id > 1000;
VACUUM ANALYZE dispute, plain_dispute, bare, follow_up, plain_link;
--@ run govcase
BEGIN; UPDATE dispute SET state = 'assigned'; ROLLBACK;
--@ run plpgsql
BEGIN; UPDATE plain_dispute SET state = 20; ROLLBACK;
--@ run bare
BEGIN; UPDATE bare SET state = 'assigned'; ROLLBACK;
--@ undo
VACUUM dispute, plain_dispute, bare, follow_up, plain_link;
