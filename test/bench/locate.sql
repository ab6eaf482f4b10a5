--@ title points placed in bulk, all inside grids, in random order
--@ unit point 100000 4000
--@ bar gist_join / govcase >= 40
--@ setup
\i :here/grids_filled.psql
--@ run govcase
SELECT count(locate('grid', p)) FROM point;
--@ run gist_join
SELECT count(g.code) FROM point JOIN plain_grid g ON ST_Covers(g.boundary, point.p);
