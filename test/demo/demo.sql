-- A year of one city's disputes under the rules.
--
-- Run by "make demo" and "make demo-shell" against an empty database of a
-- throwaway cluster.  By hand, in an empty database of a server that has the
-- extension installed:
--
--	psql -X -v ON_ERROR_STOP=1 -v seed=2021 -f test/demo/demo.sql
--
-- The same seed gives the same city; only the clock's times (recorded_at) and
-- what hangs on them (hashes) differ.
\set QUIET on
\if :{?seed}
\else
\set seed 2021
\endif
-- How many are dealt with, how many of those transferred, how many still open.
-- The first two are the published year's; a test walks fewer.
\if :{?handled}
\else
\set handled 21827
\set transferred 829
\endif
\if :{?open}
\else
\set open 600
\endif
-- A multiple of three, for 207 townships.
\if :{?grids}
\else
\set grids 14667
\endif
\encoding UTF8
SET client_min_messages = warning;
SET TimeZone = 'Asia/Shanghai';
SET datestyle = 'ISO, YMD';
-- A whole number, or say so before anything is made.
SELECT :'seed'::bigint AS seed, clock_timestamp() AS demo_started \gset

-- The year that is walked through, and the moment at which the board is drawn.
\set year_begins '2021-01-01'
\set year_ends '2022-01-01'

\echo
\echo 'govcase: a year of a city under its rules  周口市 2021'
\echo
\ir tables.sql
\ir grids.sql
\ir plan.sql
\ir year.sql
\ir incidents.sql
\ir board.sql
\ir districts.sql
\ir refusals.sql
\ir stay.sql
