--@ title resolution_rate
--@ unit row 4000000 400000
--@ bar filter / govcase >= 1.65
--@ bar govcase / count_state <= 1.15
--@ base figures
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT resolution_rate(state) FROM case_figure;
--@ run filter
SELECT count(*) FILTER (WHERE code IN (60, 70))::float8 / nullif(count(*) FILTER (WHERE code IN (60, 70, 80)), 0) FROM case_figure;
--@ run count_state
SELECT count(state) FROM case_figure;
