# Protections of grids live in triggers alone, so a dump carries them: tables with
# and without regions, a code rule of the city's own, quoted names.  Restored in
# each of pg_dump's forms they are the same, and hold to their rules.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump_grids');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE ROLE keeper');
$node->safe_psql('postgres', 'CREATE DATABASE source TEMPLATE template0');
$node->safe_psql('source', 'CREATE EXTENSION govcase CASCADE');
$node->safe_psql('source', <<"SQL");
SET client_min_messages = warning;
SET search_path = public, govcase;
GRANT CREATE ON SCHEMA public TO keeper;
INSERT INTO grid_code_rule (rule, kind, pattern, region_part, seq_part, rank) VALUES
	('own', 'ordinary', '([0-9]{6})-([0-9]+)', 1, 2, 2), ('own', 'market', '([0-9]{6})M([0-9]+)', 1, 2, 1);
CREATE SCHEMA "\x{57ce} \x{5e02}" AUTHORIZATION keeper;
SET ROLE keeper;
CREATE TABLE region (code text PRIMARY KEY, parent text REFERENCES region, boundary geometry(MultiPolygon, 4490));
INSERT INTO region VALUES ('411602000000', NULL, ST_Multi(ST_MakeEnvelope(114, 33, 115, 34, 4490))), ('411602001001', '411602000000', NULL);
CREATE TABLE grid (code text PRIMARY KEY, region text NOT NULL REFERENCES region, kind text NOT NULL, boundary geometry(MultiPolygon, 4490) NOT NULL);
INSERT INTO grid VALUES ('41160200100101', '411602001001', 'ordinary', ST_Multi(ST_MakeEnvelope(114, 33, 114.1, 33.1, 4490)));
SELECT protect_grids('grid', 'region');
CREATE TABLE patrol (LIKE grid INCLUDING ALL);
SELECT protect_grids('patrol', 'region', tolerance => 0.25, tolerance_width => 1e-7);
CREATE TABLE "\x{57ce} \x{5e02}"."\x{7f51}\x{683c} ""x""" ("\x{7f16}\x{7801}" varchar(20) PRIMARY KEY, "Kind" text NOT NULL, "the geom" geometry NOT NULL);
SELECT protect_grids('"\x{57ce} \x{5e02}"."\x{7f51}\x{683c} ""x"""', srid => 4326, code_rule => 'own',
	columns => '{"code": "\x{7f16}\x{7801}", "kind": "Kind", "boundary": "the geom"}');
INSERT INTO "\x{57ce} \x{5e02}"."\x{7f51}\x{683c} ""x""" VALUES ('411602-1', 'ordinary', ST_MakeEnvelope(114, 33, 114.1, 33.1, 4326));
SQL

my $contents = <<'SQL';
SET search_path = public, govcase;
SELECT * FROM grid_protections();
SELECT * FROM grid_code_rule ORDER BY rule, kind;
SELECT * FROM grid ORDER BY code;
SELECT tgrelid::regclass, tgname, tgenabled, tgdeferrable, tginitdeferred, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE p.pronamespace = 'govcase'::regnamespace AND NOT tgisinternal ORDER BY tgrelid::regclass::text COLLATE "C", tgname;
SQL
my $expected = $node->safe_psql('source', $contents);
unlike($expected, qr/bears this|has no|more than one/, 'the source is trusted');
my $grids = qq("\x{57ce} \x{5e02}"."\x{7f51}\x{683c} ""x""");

sub check_restored
{
	my ($database, $form) = @_;

	is_deeply([ split /\n/, $node->safe_psql($database, $contents) ],
		[ split /\n/, $expected ], "$form: the same as its source");
	for my $refused (
		[ q(INSERT INTO grid VALUES ('41160200100102', '411602001001', 'ordinary', ST_Multi(ST_MakeEnvelope(114.05, 33, 114.2, 33.1, 4490)))), 'VC005' ],
		[ q(INSERT INTO grid VALUES ('41160200100102', '411602001001', 'ordinary', ST_Multi(ST_MakeEnvelope(114.9, 33, 115.1, 33.1, 4490)))), 'VC005' ],
		[ q(INSERT INTO grid VALUES ('4116020010010', '411602001001', 'ordinary', ST_Multi(ST_MakeEnvelope(114.5, 33, 114.6, 33.1, 4490)))), 'VC005' ],
		[ q(UPDATE region SET boundary = ST_Multi(ST_MakeEnvelope(114.5, 33, 115, 34, 4490)) WHERE boundary IS NOT NULL), 'VC005' ],
		[ qq(INSERT INTO $grids VALUES ('411602-2', 'ordinary', ST_MakeEnvelope(114.05, 33, 114.2, 33.1, 4326))), 'VC005' ],
		[ qq(INSERT INTO $grids VALUES ('411602-2', 'market', ST_MakeEnvelope(114.2, 33, 114.3, 33.1, 4326))), 'VC005' ],
		[ q(ALTER TABLE grid DROP COLUMN boundary), '2BP01' ],
		[ q(UPDATE govcase.grid_code_rule SET rank = 9 WHERE rule = 'division'), '55000' ])
	{
		my (undef, undef, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$refused->[0];");
		like($err, qr/ERROR:  $refused->[1]: /, "$form: $refused->[0]");
	}
	$node->safe_psql($database, <<"SQL");
INSERT INTO grid VALUES ('41160200100102', '411602001001', 'ordinary', ST_Multi(ST_MakeEnvelope(114.1, 33, 114.2, 33.1, 4490)));
INSERT INTO $grids VALUES ('411602M1', 'market', ST_MakeEnvelope(114.05, 33, 114.2, 33.1, 4326));
SQL
	return;
}

$node->command_ok([ 'pg_dump', '-f', "$directory/plain.sql", 'source' ], 'dumped plainly');
$node->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE template0');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$directory/plain.sql" ],
	'restored plainly');
check_restored('plain', 'plain');

$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$directory/jobs", 'source' ], 'dumped by two jobs');
$node->safe_psql('postgres', 'CREATE DATABASE jobs TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j2', '-d', 'jobs', "$directory/jobs" ], 'restored by two');
$node->command_ok([ 'pg_dump', '-f', "$directory/again.sql", 'jobs' ], 'dumped once more');
my ($first, $second) = map { my $text = slurp_file($_); $text =~ s/^\\(un)?restrict .*$//mg; $text }
  ("$directory/plain.sql", "$directory/again.sql");
is_deeply([ split /\n/, $second ], [ split /\n/, $first ],
	'the dump of a restored database is the dump of its source');
check_restored('jobs', 'directory');

$node->safe_psql('postgres', 'CREATE DATABASE unowned TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--no-owner', '-d', 'unowned', "$directory/jobs" ],
	'restored without owners');
check_restored('unowned', 'no owner');

$node->safe_psql('postgres', 'CREATE DATABASE data TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-s', '-d', 'data', "$directory/jobs" ], 'the schema alone');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-a', '--disable-triggers', '-d', 'data', "$directory/jobs" ],
	'the data alone, with triggers disabled');
$node->safe_psql('data', q(SELECT govcase.repair_triggers('govcase.policy_version')));
is($node->safe_psql('data', q(SELECT govcase.repair_grid_triggers('public.grid'))),
	'', 'triggers are as they should be');
check_restored('data', 'data only');

done_testing();
