-- A whole city in a registry, and a year of its disputes under the rules.
--
-- Run by "make demo" and "make demo-shell" against an empty database of a
-- throwaway cluster.  By hand, in an empty database of a server that has the
-- extension installed:
--
--	psql -X -v ON_ERROR_STOP=1 -v seed=2021 -f test/demo/demo.sql
--
-- With "-v scale=full" the base records of fifteen departments come on top.  The
-- same seed gives the same city; only the clock's times (recorded_at), random
-- salts and keys, and what hangs on them (hashes) differ.
\set QUIET on
\if :{?seed}
\else
\set seed 2021
\endif
\if :{?scale}
\else
\set scale default
\endif
-- How many disputes are dealt with, how many of those transferred, how many still
-- open.  The first two are the published year's; a test walks fewer.
\if :{?handled}
\else
\set handled 21827
\set transferred 829
\endif
\if :{?open}
\else
\set open 600
\endif
-- Grids are a multiple of three, for 207 townships; of these, three make a village
-- or, where there are more villages than that, one and two.
\if :{?grids}
\else
\set grids 14667
\endif
\if :{?villages}
\else
\set villages 5012
\endif
\if :{?members}
\else
\set members 19361
\endif
\if :{?matters}
\else
\set matters 315239
\endif
\if :{?elements}
\else
\set elements 8620000
\endif
\encoding UTF8
SET client_min_messages = warning;
SET TimeZone = 'Asia/Shanghai';
SET datestyle = 'ISO, YMD';
-- A whole number, and a scale that there is, or say so before anything is made.
CREATE TYPE pg_temp.scale AS ENUM ('default', 'full');
SELECT :'seed'::bigint AS seed, :'scale'::pg_temp.scale = 'full' AS with_elements, clock_timestamp() AS demo_started \gset

-- The year that is walked through, and the moment at which the board is drawn.
\set year_begins '2021-01-01'
\set year_ends '2022-01-01'

\echo
\echo 'govcase: a city and a year of it under its rules  周口市 2021'
\echo
\ir chance.sql
\ir registry.sql
\ir grids.sql
\ir members.sql
\ir items.sql
\ir plan.sql
\ir matters.sql
\ir year.sql
\ir records.sql
\ir incidents.sql
\ir petitions.sql
\if :with_elements
\ir elements.sql
\endif
\ir city.sql
\ir board.sql
\ir districts.sql
\ir refusals.sql
\ir example.sql
\ir stay.sql
