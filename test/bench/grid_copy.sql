--@ title COPY of 14,641 grids (1,681 where quick) with the check of codes, shapes and overlaps
--@ unit grid = SELECT count(*) FROM made
--@ rows 14641 3721
--@ grow 10000 100000 1000000
--@ bar govcase / plain <= 10
--@ setup
-- Rows are grids.  Ten million would be 20 GB, and as much again to copy from.
\set grids :rows
\i :here/grids.psql
SELECT current_setting('data_directory') || '/bench_grids' AS file \gset
COPY made TO :'file';
--@ run govcase
BEGIN; COPY grid FROM :'file'; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK;
--@ run plain
BEGIN; COPY plain_grid FROM :'file'; ROLLBACK;
--@ undo
VACUUM grid;
\if :beside
VACUUM plain_grid;
\endif
