# A registry is plain tables, functions and policies, so a dump carries it: it
# is restored the same, goes on by its rules, and counts as unchanged.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('registry');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE ROLE keeper; CREATE ROLE member');
$node->safe_psql('postgres', 'CREATE DATABASE source TEMPLATE template0');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION govcase CASCADE;
GRANT CREATE ON DATABASE source TO keeper;
SET SESSION AUTHORIZATION keeper;
CALL govcase.create_registry('Zhou K');
SET search_path = "Zhou K", govcase;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county'), ('411681000000', '411681999999', 2, '411600000000', 'other');
INSERT INTO grid (code, region, boundary) VALUES
	('41160200000001', '411602000000', public.ST_Multi(public.ST_MakeEnvelope(114, 33, 115, 34, 4490)));
INSERT INTO account VALUES ('a-keeper'), ('a-member');
INSERT INTO account_login VALUES ('keeper', 'vouched', NULL), ('member', 'person', 'a-member');
INSERT INTO account_duty (account, duty, region) VALUES ('a-member', 'member', '411602000000');
CALL admit('member', 'member');
SET govcase.account = 'a-keeper';
INSERT INTO dispute (region, place_region, risk, found_by) VALUES
	('411602000000', '411602000000', 'yellow', 'sweep'), ('411681000000', '411681000000', 'yellow', 'sweep');
INSERT INTO dispute_detail (dispute, place) VALUES (1, public.ST_SetSRID(public.ST_MakePoint(114.9, 33.5), 4490));
-- A redistricting: the place is now in the second half of what it was in.
BEGIN;
UPDATE grid SET boundary = public.ST_Multi(public.ST_MakeEnvelope(114, 33, 114.5, 34, 4490));
INSERT INTO grid (code, region, boundary) VALUES
	('41160200000002', '411602000000', public.ST_Multi(public.ST_MakeEnvelope(114.5, 33, 115, 34, 4490)));
COMMIT;
SQL

my $contents = <<'SQL';
SELECT * FROM govcase.registry_objects('Zhou K') ORDER BY object COLLATE "C";
SELECT schema_version, govcase_version, small_cell, srid, digest_key FROM "Zhou K".about;
SELECT object, digest FROM "Zhou K".about_object ORDER BY object COLLATE "C";
SELECT relname, relrowsecurity, pg_get_userbyid(relowner), relacl::text[] FROM pg_class
WHERE relnamespace = '"Zhou K"'::regnamespace ORDER BY relname COLLATE "C";
SELECT proname, proacl::text[] FROM pg_proc WHERE pronamespace = '"Zhou K"'::regnamespace ORDER BY proname COLLATE "C";
SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attstattarget = 0 AND attnum > 0 AND attrelid::regclass::text LIKE '"Zhou%' ORDER BY attrelid::regclass::text COLLATE "C", attname COLLATE "C";
SELECT * FROM "Zhou K".follow_up ORDER BY id, seq;
SELECT id, grid, grid_version, (SELECT grid FROM govcase.regrid('"Zhou K".dispute_place', '"Zhou K".grid',
	now(), 'place', 'grid_version', '{id}') WHERE case_key = id::text) FROM "Zhou K".dispute ORDER BY id;
SELECT version, grid, valid, event, ended_by FROM "Zhou K".grid_history ORDER BY version;
SELECT * FROM "Zhou K".grid_history_lineage ORDER BY from_version, to_version;
SQL
my $expected = $node->safe_psql('source', $contents);
like($expected, qr/dispute_party\|phone/, 'statistics of personal columns are off in the source');
like($expected, qr/^1\|41160200000001\|1\|41160200000002$/m, 'a case is in its grid of then, and in one of now, in the source');

for my $format ('plain', 'custom')
{
	$node->command_ok([ 'pg_dump', "--format=$format", '-f', "$directory/$format", 'source' ], "$format: dumped");
	$node->safe_psql('postgres', "CREATE DATABASE $format TEMPLATE template0");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $format, '-f', "$directory/$format" ]
		: [ 'pg_restore', '--exit-on-error', '-d', $format, "$directory/$format" ],
		"$format: restored");
	is_deeply([ split /\n/, $node->safe_psql($format, $contents) ], [ split /\n/, $expected ],
		"$format: the same as its source");
	is($node->safe_psql($format, q(SELECT * FROM govcase.registry_changes('Zhou K'))), '', "$format: nothing counts as changed");
	is( $node->safe_psql(
			$format, <<'SQL'), "1\na-member", "$format: policies hold, and the actor function is asked");
SET SESSION AUTHORIZATION member;
SET search_path = "Zhou K", govcase;
SELECT string_agg(id::text, ',') FROM dispute;
INSERT INTO follow_up (id, kind) VALUES (1, 'visit');
SELECT actor FROM follow_up WHERE kind = 'visit';
SQL
	like(
		($node->psql($format, q(\set VERBOSITY verbose
SET SESSION AUTHORIZATION member;
INSERT INTO "Zhou K".follow_up (id, kind) VALUES (2, 'visit');)))[2],
		qr/ERROR:  42501/, "$format: a case out of sight stays so");
	is($node->safe_psql($format, q(SELECT * FROM govcase.verify_chain('"Zhou K".dispute'))), '', "$format: chains verify");
	like(
		($node->psql($format, q(\set VERBOSITY verbose
INSERT INTO "Zhou K".grid (code, region, boundary)
SELECT '41160200000003', region, boundary FROM "Zhou K".grid LIMIT 1;)))[2],
		qr/ERROR:  VC005/, "$format: grids are under protection");
	is( $node->safe_psql(
			$format, <<'SQL'), "41160200000001|2", "$format: cases are placed in their grid of now");
SET govcase.account = 'a-keeper';
SET SESSION AUTHORIZATION keeper;
INSERT INTO "Zhou K".dispute_detail (dispute, place) VALUES (2, public.ST_SetSRID(public.ST_MakePoint(114.1, 33.5), 4490));
SELECT grid, grid_version FROM "Zhou K".dispute WHERE id = 2;
SQL
	like(
		($node->psql($format, q(\set VERBOSITY verbose
SET SESSION AUTHORIZATION keeper;
SET govcase.account = 'a-keeper';
UPDATE "Zhou K".dispute SET state = 'assigned', responsible = 'a-member', leader = 'a-member' WHERE id = 1;)))[2],
		qr/ERROR:  VC006/, "$format: graded control holds");
}

done_testing();
