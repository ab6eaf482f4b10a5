--@ title COPY of 14,641 grids with the check of codes, shapes and overlaps
--@ unit grid = SELECT count(*) FROM made
--@ rows 1 1
--@ bar govcase / plain <= 10
--@ setup
\i :here/grids.psql
SELECT current_setting('data_directory') || '/bench_grids' AS file \gset
COPY made TO :'file';
--@ run govcase
BEGIN; COPY grid FROM :'file'; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK;
--@ run plain
BEGIN; COPY plain_grid FROM :'file'; ROLLBACK;
--@ undo
VACUUM grid, plain_grid;
