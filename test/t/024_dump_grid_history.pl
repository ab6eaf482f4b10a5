# The history of grids is the user's: a dump carries it whole, and after a restore
# it goes on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('grid_history');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE ROLE keeper');
$node->safe_psql('postgres', 'CREATE DATABASE source TEMPLATE template0');
$node->safe_psql('source', 'CREATE EXTENSION govcase CASCADE');
$node->safe_psql('source', <<'SQL');
CREATE SCHEMA "city 1" AUTHORIZATION keeper;
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES ('letter', 'ordinary', '[A-Z]', 1);
SET ROLE keeper;
SET search_path = "city 1", public;
CREATE TABLE "Grid" (code text PRIMARY KEY, "where" geometry(MultiPolygon) NOT NULL);
CREATE INDEX ON "Grid" USING gist ("where");
SELECT govcase.protect_grids('"Grid"', columns => '{"boundary": "where"}', srid => 0, code_rule => 'letter');
INSERT INTO "Grid" VALUES ('A', ST_Multi(ST_MakeEnvelope(0, 0, 100, 100, 0))), ('B', ST_Multi(ST_MakeEnvelope(100, 0, 200, 100, 0)));
SELECT govcase.create_grid_history('"Grid"', 'Grid of "then"');
CREATE TABLE spot (id integer PRIMARY KEY, at geometry(Point), grid text, version bigint);
SELECT govcase.place_by('spot', '"Grid"', 'at', 'grid', 'version');
INSERT INTO spot VALUES (1, 'POINT(90 50)', NULL), (2, 'POINT(10 50)', NULL), (3, NULL, 'A');
UPDATE "Grid" SET "where" = CASE code WHEN 'A' THEN ST_Multi(ST_MakeEnvelope(0, 0, 80, 100, 0))
	ELSE ST_Multi(ST_MakeEnvelope(80, 0, 200, 100, 0)) END;
ALTER TABLE "Grid of ""then""" RENAME grid TO "code";
SQL

my $state = <<'SQL';
SET search_path = "city 1", public;
SELECT * FROM "Grid of ""then""" ORDER BY version;
SELECT * FROM "Grid of ""then""_lineage" ORDER BY 1, 2, 3;
SELECT r.case_key, r.grid, s.grid, version FROM govcase.regrid('spot', '"Grid"') r JOIN spot s ON s.id = r.case_key::int ORDER BY id;
SELECT (govcase.grid_history('"Grid"')).*;
SELECT tgname, tgrelid::regclass, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 2, 1;
SELECT c.relname, relkind, pg_get_userbyid(relowner) FROM pg_class c WHERE relnamespace = '"city 1"'::regnamespace ORDER BY 1;
SQL
my $before = $node->safe_psql('source', $state);
like($before, qr/^1\|B\|A\|1$/m, 'a case is in another grid now than then');

foreach my $form ([ 'plain', qw(-Fp) ], [ 'custom', qw(-Fc) ], [ 'directory', qw(-Fd -j2) ])
{
	my ($name, @options) = @$form;
	my $file = "$directory/$name";

	$node->command_ok([ 'pg_dump', @options, '-f', $file, '-d', $node->connstr('source') ], "$name dump");
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->command_ok(
		[
			$name eq 'plain'
			? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($name), '-f', $file)
			: ('pg_restore', '--exit-on-error', '-d', $node->connstr($name), $file)
		],
		"$name restore");
	is($node->safe_psql($name, $state), $before, "$name: the same after it");
	$node->safe_psql($name, <<'SQL');
SET ROLE keeper;
UPDATE "city 1"."Grid" SET "where" = public.ST_Multi(public.ST_MakeEnvelope(-10, 0, 80, 100, 0)) WHERE code = 'A';
SQL
	is($node->safe_psql($name, <<'SQL'), "3|f\n5|t\n3|5|3", "$name: the next redistricting is recorded");
SELECT version, upper_inf(valid) FROM "city 1"."Grid of ""then""" WHERE code = 'A' AND version > 1 ORDER BY 1;
SELECT from_version, to_version, event FROM "city 1"."Grid of ""then""_lineage" ORDER BY event DESC LIMIT 1;
SQL
	my ($result, $out, $err) = $node->psql($name, 'DELETE FROM "city 1"."Grid of ""then"""', extra_params => ['-v', 'VERBOSITY=sqlstate']);
	like($err, qr/VC003/, "$name: and append-only it stays");
}

$node->stop;
done_testing();
