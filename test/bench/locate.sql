--@ title points placed in bulk, all inside grids, in random order
--@ unit point 40000 10000
--@ bar gist_join / govcase >= 40
--@ base grids_filled
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT count(locate('grid', p)) FROM point;
--@ run gist_join
SELECT count(g.code) FROM point JOIN plain_grid g ON ST_Covers(g.boundary, point.p);
