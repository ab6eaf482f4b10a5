--@ title the first point that a new session places
--@ unit point = SELECT 1
--@ rows 40000 10000
--@ base grids_filled
--@ cold
--@ bar govcase / plpgsql <= 1
--@ run govcase
BEGIN; INSERT INTO located SELECT p FROM point LIMIT 1; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_located SELECT p FROM point LIMIT 1; ROLLBACK;
