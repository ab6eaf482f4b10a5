--@ title an INSERT whose grid a trigger fills in
--@ unit row 40000 10000
--@ bar plpgsql / govcase >= 15
--@ say govcase / bare
--@ base grids_filled
--@ setup
-- Runs are committed: after a ROLLBACK a session reads the grids anew.
SET max_parallel_workers_per_gather = 0;
--@ run govcase
INSERT INTO located SELECT p FROM point;
--@ run plpgsql
INSERT INTO plain_located SELECT p FROM point;
--@ run bare
INSERT INTO bare_located SELECT p FROM point;
--@ undo
TRUNCATE located;
\if :beside
TRUNCATE plain_located, bare_located;
\endif
