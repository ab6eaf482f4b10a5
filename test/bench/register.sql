--@ title an INSERT of a case, its registration link written and hashed
--@ unit row 50000 5000
--@ grow
--@ bar (govcase - bare) / (plpgsql - bare) <= 1/3
--@ setup
\i :here/cases.psql
\i :here/alternative.psql
CREATE TABLE bare (LIKE dispute INCLUDING ALL);
SELECT create_follow_ups('dispute', 'follow_up') \g /dev/null
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up') \g /dev/null
CREATE TRIGGER register AFTER INSERT ON plain_dispute FOR EACH ROW EXECUTE FUNCTION register_plain();
--@ run govcase
BEGIN; INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, :rows) AS n; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_dispute (id, title, risk) SELECT n, 'a bride price, two families', 20 FROM generate_series(1, :rows) AS n; ROLLBACK;
--@ run bare
BEGIN; INSERT INTO bare (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(1, :rows) AS n; ROLLBACK;
--@ undo
VACUUM dispute, plain_dispute, bare, follow_up, plain_link;
