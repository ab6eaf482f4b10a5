--@ title resolution_rate and year_on_year with a parallel worker: gain over one process, against that of count(*)
--@ parallel
--@ unit row 4000000 400000
--@ bar (govcase_one / govcase_two) / (count_one / count_two) >= 0.95
--@ bar (govcase_year_one / govcase_year_two) / (count_one / count_two) >= 0.95
--@ base figures
--@ setup
ALTER TABLE case_figure SET (parallel_workers = 1);
--@ run govcase_one
SET max_parallel_workers_per_gather = 0; SELECT resolution_rate(state) FROM case_figure;
--@ run govcase_two
SET max_parallel_workers_per_gather = 1; SELECT resolution_rate(state) FROM case_figure;
--@ run govcase_year_one
SET max_parallel_workers_per_gather = 0; SELECT year_on_year(day, '[2021-01-01,2022-01-01)') FROM case_figure;
--@ run govcase_year_two
SET max_parallel_workers_per_gather = 1; SELECT year_on_year(day, '[2021-01-01,2022-01-01)') FROM case_figure;
--@ run count_one
SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM case_figure;
--@ run count_two
SET max_parallel_workers_per_gather = 1; SELECT count(*) FROM case_figure;
