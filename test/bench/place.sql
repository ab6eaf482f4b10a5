--@ title an INSERT whose grid a trigger fills in
--@ unit row 100000 4000
--@ bar plpgsql / govcase >= 15
--@ say govcase / bare
--@ setup
-- Runs are committed: after a ROLLBACK a session reads the grids anew.
\i :here/grids_filled.psql
--@ run govcase
INSERT INTO located SELECT p FROM point;
--@ run plpgsql
INSERT INTO plain_located SELECT p FROM point;
--@ run bare
INSERT INTO bare_located SELECT p FROM point;
--@ undo
TRUNCATE located, plain_located, bare_located;
