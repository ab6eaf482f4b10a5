--@ title an INSERT of a case, its registration link written and hashed
--@ unit row 20000 5000
--@ say (govcase - bare) / (plpgsql - bare)
--@ base chains
--@ run govcase
BEGIN; INSERT INTO dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_dispute (id, title, risk) SELECT n, 'a bride price, two families', 20 FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ run bare
BEGIN; INSERT INTO ready_dispute (id, title, risk) SELECT n, 'a bride price, two families', 'yellow' FROM generate_series(:rows + 1, 2 * :rows) AS n; ROLLBACK;
--@ undo
VACUUM dispute, follow_up;
\if :beside
VACUUM plain_dispute, ready_dispute, plain_link;
\endif
