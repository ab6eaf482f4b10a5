--@ title an INSERT of a case, its registration link written and hashed
--@ unit row 50000 5000
--@ grow
--@ say (govcase - bare) / (plpgsql - bare)
--@ setup
\i :here/cases.psql
\i :here/alternative.psql
CREATE TABLE bare (LIKE dispute INCLUDING ALL);
SELECT create_follow_ups('dispute', 'follow_up') \g /dev/null
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up') \g /dev/null
CREATE TRIGGER register AFTER INSERT ON plain_dispute FOR EACH ROW EXECUTE FUNCTION register_plain();
-- As many are there already, so that every plan is made for tables of a size.
INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, 1000) AS n;
INSERT INTO plain_dispute (id, title, risk) SELECT n, 'a bride price, two families', 20 FROM generate_series(1, 1000) AS n;
VACUUM ANALYZE dispute, plain_dispute, follow_up, plain_link;
INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1001, :rows) AS n;
INSERT INTO plain_dispute (id, title, risk) SELECT n, 'a bride price, two families', 20 FROM generate_series(1001, :rows) AS n;
INSERT INTO bare (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, :rows) AS n;
VACUUM ANALYZE dispute, plain_dispute, follow_up, plain_link, bare;
--@ run govcase
BEGIN; INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_dispute (id, title, risk) SELECT n, 'a bride price, two families', 20 FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ run bare
BEGIN; INSERT INTO bare (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ undo
VACUUM dispute, plain_dispute, bare, follow_up, plain_link;
