--@ title year_on_year
--@ unit row 4000000 400000
--@ bar filter / govcase >= 1.5
--@ bar govcase / count_day <= 1.2
--@ base figures
--@ setup
SET max_parallel_workers_per_gather = 0;
--@ run govcase
SELECT year_on_year(day, '[2021-01-01,2022-01-01)') FROM case_figure;
--@ run filter
SELECT (count(*) FILTER (WHERE day >= '2021-01-01' AND day < '2022-01-01') - count(*) FILTER (WHERE day >= '2020-01-01' AND day < '2021-01-01'))::float8
	/ nullif(count(*) FILTER (WHERE day >= '2020-01-01' AND day < '2021-01-01'), 0) FROM case_figure;
--@ run count_day
SELECT count(day) FROM case_figure;
