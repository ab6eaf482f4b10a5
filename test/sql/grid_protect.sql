\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- How tables of grids come under protection, who may do it, and what can be trusted.
CREATE SCHEMA grid_protect;
SET search_path = grid_protect, govcase, public;
CREATE ROLE grid_owner;
CREATE ROLE grid_other;
GRANT USAGE, CREATE ON SCHEMA grid_protect TO grid_owner, grid_other;
CREATE FUNCTION box(x float8, y float8) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
	SELECT ST_Multi(ST_MakeEnvelope(500000 + x, 3700000 + y, 500100 + x, 3700100 + y, 4547))
$$;
SET ROLE grid_owner;
CREATE TABLE region (code text PRIMARY KEY, parent text, boundary geometry(MultiPolygon, 4547));
INSERT INTO region VALUES ('411602001001', NULL, ST_Multi(ST_MakeEnvelope(500000, 3700000, 501000, 3701000, 4547)));
CREATE TABLE grid (code text PRIMARY KEY, region text NOT NULL, kind text NOT NULL, boundary geometry(MultiPolygon, 4547) NOT NULL, note text);
RESET ROLE;

-- ---- What is refused, permission first ------------------------------------------------
SET ROLE grid_other;
SELECT protect_grids('grid', 'region', columns => '{"none": 1}', code_rule => 'nonesuch');
SELECT unprotect_grids('grid');
SELECT repair_grid_triggers('grid');
CREATE TABLE theirs (code text PRIMARY KEY, parent text, boundary geometry(MultiPolygon, 4547));
SELECT protect_grids('theirs', 'region');
SELECT count(*) FROM check_grids('grid');
RESET ROLE;
SELECT protect_grids('grid', 'theirs');
SET ROLE grid_owner;
SELECT protect_grids(NULL);
SELECT protect_grids('grid', 'grid');
SELECT protect_grids('grid', 'region', tolerance => NULL);
SELECT protect_grids('grid', 'region', tolerance => -1);
SELECT protect_grids('grid', 'region', tolerance_width => 'NaN');
SELECT protect_grids('grid', 'region', code_rule => 'nonesuch');
SELECT protect_grids('grid', 'region', columns => '[]');
SELECT protect_grids('grid', 'region', columns => '{"shape": "boundary"}');
SELECT protect_grids('grid', 'region', columns => '{"code": 5}');
SELECT protect_grids('grid', 'region', columns => '{"boundary": "geom"}');
SELECT protect_grids('grid', 'region', columns => '{"boundary": "code"}');
SELECT protect_grids('grid', 'region', columns => '{"kind": "boundary"}');
SELECT protect_grids('grid', 'region', columns => '{"region": "boundary"}');
SELECT protect_grids('grid', 'region', columns => '{"region": "code"}');
SELECT protect_grids('grid', 'region', columns => '{"kind": "note"}');
SELECT protect_grids('grid', 'region', columns => '{"code": "kind"}');
SELECT protect_grids('grid', 'region', region_columns => '{"kind": "code"}');
SELECT protect_grids('grid', region_columns => '{"code": "code"}');
SELECT protect_grids('grid', columns => '{"region": "region"}');
SELECT protect_grids('grid', 'region', srid => 4490);
ALTER TABLE region ALTER COLUMN boundary TYPE geometry(MultiPolygon, 4490) USING ST_Transform(boundary, 4490);
SELECT protect_grids('grid', 'region');
ALTER TABLE region ALTER COLUMN boundary TYPE geometry(MultiPolygon, 4547) USING ST_Transform(boundary, 4547);
CREATE TABLE lines (code text PRIMARY KEY, boundary geometry(MultiLineString, 4490) NOT NULL);
SELECT protect_grids('lines');
CREATE TABLE parts (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4490) NOT NULL) PARTITION BY LIST (code);
SELECT protect_grids('parts');
CREATE UNLOGGED TABLE lightly (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4490) NOT NULL);
SELECT protect_grids('lightly');
CREATE VIEW seen AS SELECT * FROM grid;
SELECT protect_grids('seen');
DROP VIEW seen;
CREATE TABLE unmeasured (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4479) NOT NULL);
SELECT protect_grids('unmeasured');
SELECT protect_grids('parts'::regclass::oid::regclass, 'region');
SELECT * FROM grid_protections();

-- Rows that are there are judged first; nothing is left where they are wrong.
INSERT INTO grid VALUES ('41160200100101', '411602001001', 'ordinary', box(0, 0)), ('41160200100102', '411602001001', 'ordinary', box(50, 0)),
	('41160200100103', '411602001001', 'ordinary', box(950, 300)), ('41160200100199', '411602001002', 'odd', box(500, 500));
SELECT protect_grids('grid', 'region');
DELETE FROM grid WHERE code > '41160200100102';
SELECT protect_grids('grid', 'region');
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('grid'::regclass, 'region'::regclass) ORDER BY 1;
UPDATE grid SET boundary = box(100, 0) WHERE code = '41160200100102';
SELECT protect_grids('grid', 'region');
SELECT grids, regions, columns, region_columns, srid, tolerance, tolerance_width, code_rule, triggers_missing, triggers_disabled, problem
FROM grid_protections();
SELECT regexp_replace(tgname, '[0-9a-f]{8}$', 'set') AS trigger, tgdeferrable, tginitdeferred
FROM pg_trigger WHERE tgrelid IN ('grid'::regclass, 'region'::regclass) ORDER BY tgname COLLATE "C";

-- Again with the same arguments, and with others.
SELECT protect_grids('grid', 'region', srid => 4547);
SELECT protect_grids('grid', 'region', tolerance => 2, tolerance_width => 0.5);
SELECT protect_grids('grid');

-- A second table of grids in the same regions.
CREATE TABLE patrol (code text PRIMARY KEY, region text NOT NULL, boundary geometry(MultiPolygon, 4547) NOT NULL);
SELECT protect_grids('patrol', 'region', tolerance => 5);
INSERT INTO patrol VALUES ('41160200100101', '411602001001', box(900, 0));
UPDATE region SET boundary = ST_Multi(ST_MakeEnvelope(500000, 3700000, 500900, 3701000, 4547));
SELECT unprotect_grids('region');
SELECT unprotect_grids('patrol');
UPDATE region SET boundary = ST_Multi(ST_MakeEnvelope(500000, 3700000, 500900, 3701000, 4547));
SELECT unprotect_grids('patrol');
SELECT grids, regions, tolerance FROM grid_protections();

-- ---- Changes of the tables ---------------------------------------------------------------
-- It follows renames of everything.
ALTER TABLE grid RENAME TO "网格";
ALTER TABLE "网格" RENAME COLUMN boundary TO "边界";
ALTER TABLE region RENAME COLUMN code TO "Code";
INSERT INTO "网格" VALUES ('41160200100103', '411602001001', 'ordinary', box(150, 0));
SELECT columns, region_columns FROM grid_protections();
ALTER TABLE "网格" RENAME TO grid;
ALTER TABLE grid RENAME COLUMN "边界" TO boundary;
ALTER TABLE region RENAME COLUMN "Code" TO code;
-- Its columns stay, and so does what they are.
SET client_min_messages = warning;
ALTER TABLE grid DROP COLUMN kind CASCADE;
ALTER TABLE region DROP COLUMN boundary CASCADE;
RESET client_min_messages;
ALTER TABLE grid DROP COLUMN note;
-- A table that inherits from it has rows that nobody judges.
CREATE TABLE heir () INHERITS (grid);
INSERT INTO grid VALUES ('41160200100103', '411602001001', 'ordinary', box(300, 0));
SELECT problem FROM grid_protections();
DROP TABLE heir;
-- Without the GiST index it is slower, but the same; without the key it is nothing.
DROP INDEX grid_boundary_idx;
INSERT INTO grid VALUES ('41160200100103', '411602001001', 'ordinary', box(150, 0));
INSERT INTO grid VALUES ('41160200100103', '411602001001', 'ordinary', box(200, 0));
ALTER TABLE grid DROP CONSTRAINT grid_pkey;
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(300, 0));
SELECT repair_grid_triggers('grid');
ALTER TABLE grid ADD PRIMARY KEY (code);
SELECT repair_grid_triggers('grid');

-- ---- Missing and disabled triggers ----------------------------------------------------------
DROP TRIGGER govcase_grid_changed ON grid;
ALTER TABLE grid DISABLE TRIGGER govcase_grid_check;
SELECT triggers_missing, triggers_disabled, problem FROM grid_protections();
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(250, 0));
-- What came in meanwhile is judged before anything is said to be mended.
SELECT repair_grid_triggers('grid');
DELETE FROM grid WHERE code = '41160200100104';
SELECT repair_grid_triggers('grid');
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(250, 0));
SELECT repair_grid_triggers('region');
-- The owner sees all that is wrong, others nothing.
SELECT * FROM check_grids('grid');

-- ---- Trust ---------------------------------------------------------------------------------
-- Whoever has no more than TRIGGER can make trouble, but nothing acts as the owner.
GRANT SELECT, INSERT, TRIGGER ON grid, region TO grid_other;
SET ROLE grid_other;
SELECT count(*) FROM check_grids('grid');
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(250, 0));
CREATE TABLE copied (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4547) NOT NULL);
CREATE TRIGGER mine AFTER UPDATE OF code, boundary ON copied FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION grid_columns('00000000-0000-0000-0000-000000000000', 'code', 'boundary', 'srid=4547', 'tolerance=1',
		'tolerance_width=1', 'code_rule=division', 'nonsense');
CREATE TRIGGER note AFTER INSERT ON copied FOR EACH ROW EXECUTE FUNCTION note_grid();
INSERT INTO copied VALUES ('41160200100101', box(0, 0));
CREATE TRIGGER mine AFTER UPDATE OF code, boundary ON grid FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION grid_columns('00000000-0000-0000-0000-000000000000', 'code', 'boundary', 'srid=4547', 'tolerance=1000000',
		'tolerance_width=1', 'code_rule=division', 'without_regions');
RESET ROLE;
SET ROLE grid_owner;
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(250, 0));
SELECT problem FROM grid_protections() WHERE problem LIKE '%more than one%';
SELECT protect_grids('grid', 'region');
DROP TRIGGER mine ON grid;
RESET ROLE;
DROP TABLE copied;
-- Another owner of either table.
ALTER TABLE region OWNER TO grid_other;
SET ROLE grid_owner;
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(350, 0));
RESET ROLE;
SELECT grids, regions, problem FROM grid_protections() ORDER BY 1;
UPDATE region SET boundary = ST_Multi(ST_MakeEnvelope(500000, 3700000, 500950, 3701000, 4547));
ALTER TABLE region OWNER TO grid_owner;
INSERT INTO grid VALUES ('41160200100104', '411602001001', 'ordinary', box(350, 0));
-- The functions of triggers used in other ways.
SELECT note_grid();
CREATE TRIGGER wrong BEFORE INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION note_grid();
INSERT INTO theirs VALUES ('a');
DROP TRIGGER wrong ON theirs;
CREATE TRIGGER wrong AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION check_grid();
-- Nothing was listed.
INSERT INTO theirs VALUES ('a');
DROP TRIGGER wrong ON theirs;
CREATE TRIGGER wrong AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION note_region();
INSERT INTO theirs VALUES ('b');
DROP TRIGGER wrong ON theirs;
CREATE TRIGGER wrong AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION note_region('00000000-0000-0000-0000-000000000000');
INSERT INTO theirs VALUES ('b');
DROP TRIGGER wrong ON theirs;
CREATE TRIGGER wrong AFTER INSERT ON theirs FOR EACH STATEMENT EXECUTE FUNCTION grid_columns();
INSERT INTO theirs VALUES ('b');
SELECT code FROM check_grids('theirs');

-- Row security hides rows from users, not from the check.
ALTER TABLE grid ENABLE ROW LEVEL SECURITY;
CREATE POLICY none ON grid FOR SELECT TO grid_other USING (false);
CREATE POLICY new ON grid FOR INSERT TO grid_other WITH CHECK (true);
SET ROLE grid_other;
SELECT count(*) FROM grid;
INSERT INTO grid VALUES ('41160200100105', '411602001001', 'ordinary', box(400, 0));
RESET ROLE;
ALTER TABLE grid DISABLE ROW LEVEL SECURITY;

-- ---- Code rules -----------------------------------------------------------------------------
SELECT * FROM grid_code_rule ORDER BY rule, rank;
UPDATE grid_code_rule SET pattern = '.*' WHERE rule = 'division';
DELETE FROM grid_code_rule WHERE kind = 'special';
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('division', 'market', '.*', 3);
INSERT INTO grid_code_rule (rule, kind, pattern, rank, shipped) VALUES ('own', 'market', '.*', 3, true);
TRUNCATE grid_code_rule;
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('own', 'market', '(', 1);
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('', 'market', '.*', 1);
-- A township's nine digits, a letter that says the kind, and a number.
INSERT INTO grid_code_rule (rule, kind, pattern, region_part, seq_part, rank) VALUES
	('lettered', 'ordinary', '([0-9]{9})W([0-9]{3})', 1, 2, 2), ('lettered', 'market', '([0-9]{9})M([0-9]{3})', 1, 2, 1),
	('lettered', 'wide', '([0-9]{4}|X)?W([0-9]*)', 1, 2, 3);
CREATE TABLE stall (code text PRIMARY KEY, region text NOT NULL, kind text NOT NULL, boundary geometry(MultiPolygon, 4547) NOT NULL);
CREATE TABLE township (code text PRIMARY KEY);
INSERT INTO township VALUES ('411602001000'), ('411600000000'), ('X'), ('Y');
SELECT protect_grids('stall', 'township', code_rule => 'lettered');
INSERT INTO stall VALUES ('411602001W001', '411602001000', 'ordinary', box(0, 0));
INSERT INTO stall VALUES ('411602001M001', '411602001000', 'market', box(0, 0));
INSERT INTO stall VALUES ('411602001M002', '411602001000', 'ordinary', box(100, 0));
INSERT INTO stall VALUES ('411602001M002', 'Y', 'market', box(100, 0));
INSERT INTO stall VALUES ('4116W1', '411600000000', 'wide', box(0, 0)), ('XW1', 'X', 'wide', box(100, 0));
INSERT INTO stall VALUES ('W1', 'X', 'wide', box(200, 0));
INSERT INTO stall VALUES ('XW', 'X', 'wide', box(200, 0));
-- No region has a boundary here: grids of all of them are siblings.
INSERT INTO stall VALUES ('XW2', 'X', 'wide', box(50, 0));
-- A rule cannot go, or change its name, from under a table; what it says can change.
DELETE FROM grid_code_rule WHERE rule = 'lettered' AND kind = 'market';
UPDATE grid_code_rule SET rule = 'numbered' WHERE rule = 'lettered';
UPDATE grid_code_rule SET pattern = '(X)Z([0-9]*)' WHERE rule = 'lettered' AND kind = 'wide';
UPDATE stall SET boundary = box(300, 0) WHERE code = 'XW1';
SELECT code, problem FROM check_grids('stall') ORDER BY code;
DROP TABLE stall;
DELETE FROM grid_code_rule WHERE rule = 'lettered';

SELECT unprotect_grids('grid');
SELECT unprotect_grids('grid');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('grid'::regclass, 'region'::regclass) AND tgname LIKE 'govcase%';
SET client_min_messages = warning;
DROP SCHEMA grid_protect CASCADE;
DROP ROLE grid_owner, grid_other;
