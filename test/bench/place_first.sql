--@ title the first point that a new session places
--@ unit point = SELECT 1
--@ rows 1000 1000
--@ cold
--@ bar govcase / plpgsql <= 1
--@ setup
\i :here/grids_filled.psql
--@ run govcase
BEGIN; INSERT INTO located SELECT p FROM point LIMIT 1; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_located SELECT p FROM point LIMIT 1; ROLLBACK;
