--@ title resolution_rate, grouped by region
--@ unit row 4000000 400000
--@ bar filter / govcase >= 1.65
--@ bar govcase / count_state <= 1.15
--@ base figures
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT region, resolution_rate(state) FROM case_figure GROUP BY region;
--@ run filter
SELECT region, count(*) FILTER (WHERE code IN (60, 70))::float8 / nullif(count(*) FILTER (WHERE code IN (60, 70, 80)), 0) FROM case_figure GROUP BY region;
--@ run count_state
SELECT region, count(state) FROM case_figure GROUP BY region;
