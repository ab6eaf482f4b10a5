# Placement: 850,000 points more against the oracle, and what place_by() made in
# every form of a dump.
use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('placement');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

# The oracle ------------------------------------------------------------------

# The regression test itself, with 850,000 points beside its own 150,000.
$node->safe_psql('postgres', 'CREATE DATABASE oracle TEMPLATE template0');
$node->command_ok(
	[ 'psql', '-X', '-q', '-A', '-t', '-v', 'points=850000', '-d', 'oracle', '-o', "$directory/compared",
		'-f', 'test/sql/locate.sql' ],
	'compared');
my @compared = map { [ split /\|/ ] }
  grep { /^(random|vertex|edge|ulps|level|all)\|/ } split /\n/, slurp_file("$directory/compared");
is_deeply([ @compared[ 0 .. 5 ] ],
	[ map { [ $_->[0], $_->[1], 't', '0' ] } (
		[ 'edge', 170000 ], [ 'level', 85000 ], [ 'random', 340000 ],
		[ 'ulps', 170000 ], [ 'vertex', 85000 ], [ 'all', 850000 ]) ],
	'850,000 points compared at first, no mismatch');
is((scalar grep { $_->[-1] != 0 } @compared), 0, 'nor any after evictions and redistrictings');

# Memory -----------------------------------------------------------------------

# A comb of 60,000 teeth that run through the whole map: kept as cells, it would
# take many times what its corners do.
$node->safe_psql('oracle', <<'SQL');
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES ('comb', 'ordinary', '.*', 1);
CREATE TABLE comb (code text PRIMARY KEY, boundary geometry NOT NULL);
CREATE INDEX ON comb USING gist (boundary);
SELECT govcase.protect_grids('comb', code_rule => 'comb', srid => 0);
INSERT INTO comb
SELECT 'comb', ST_MakePolygon(ST_AddPoint(line, ST_StartPoint(line)))
FROM (SELECT ST_MakeLine(ARRAY(
	SELECT ST_MakePoint(n / 120000.0, CASE WHEN n % 4 IN (1, 2) THEN 1 ELSE 0.01 END)
	FROM generate_series(0, 120000) n) || ST_MakePoint(1, 0) || ST_MakePoint(0, 0)) AS line) l;
CREATE FUNCTION peak() RETURNS integer LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status', 0, 4000, true) FROM 'VmHWM:\s*(\d+)')::integer
$$;
SQL
SKIP:
{
	skip 'no /proc here to read the memory of a session from', 6 unless -r '/proc/self/status';
	my %grown;
	for my $kilobytes (64, 8192, 2000000)
	{
		my ($peak, $kept) = split /\|/, $node->safe_psql('oracle', <<"SQL");
SELECT govcase.locate('comb', ST_MakePoint(0.5, 0.5)) <> '', peak() AS before \\gset
SET govcase.placement_memory = $kilobytes;
SELECT count(govcase.locate('comb', ST_MakePoint(n % 97 / 97.0, n % 89 / 89.0))) AS placed FROM generate_series(1, 100) n \\gset
SELECT peak() - :before, bytes <= $kilobytes * 1024::bigint FROM govcase.placement_cache();
SQL
		$grown{$kilobytes} = $peak;
		is($kept, 't', "$kilobytes kB: no more is kept");
	}
	note join(', ', map { "$_ kB: $grown{$_} kB more" } sort { $a <=> $b } keys %grown);
	cmp_ok($grown{64}, '<', 40000, 'nor takes more while it builds');
	cmp_ok($grown{8192}, '<', 40000, 'at 8 MB, too');
	cmp_ok($grown{2000000}, '>', 60000, 'where as much as one likes is allowed, it does take more');
}

# Dumps ------------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE keeper');
$node->safe_psql('postgres', 'CREATE DATABASE source TEMPLATE template0');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION govcase CASCADE;
GRANT CREATE ON SCHEMA public TO keeper;
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES ('own', 'ordinary', '[a-z]+', 1);
SET ROLE keeper;
CREATE TABLE grid (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4490) NOT NULL);
CREATE INDEX ON grid USING gist (boundary);
INSERT INTO grid VALUES ('west', ST_Multi(ST_MakeEnvelope(110, 30, 111, 31, 4490))), ('east', ST_Multi(ST_MakeEnvelope(111, 30, 112, 31, 4490)));
SELECT govcase.protect_grids('grid', code_rule => 'own');
CREATE TABLE "纠纷 x" (id integer, "the point" geometry(Point, 4490), "网格" text);
SELECT govcase.place_by('"纠纷 x"', 'grid', 'the point', '网格');
CREATE TABLE spread (county text, gone text, place geometry(Point, 4490), cell text) PARTITION BY LIST (county);
CREATE TABLE spread_a PARTITION OF spread FOR VALUES IN ('a');
ALTER TABLE spread DROP gone;
SELECT govcase.place_by('spread', 'grid', 'place', 'cell');
INSERT INTO "纠纷 x" SELECT n, ST_SetSRID(ST_MakePoint(109.9 + n / 10.0, 30.5), 4490) FROM generate_series(1, 20) n;
INSERT INTO spread SELECT 'a', "the point" FROM "纠纷 x";
ALTER TABLE spread RENAME cell TO grid;
-- A grid of then, which today's boundaries do not give.
UPDATE grid SET code = 'orient' WHERE code = 'east';
SQL
my $contents = <<'SQL';
SELECT * FROM "纠纷 x" ORDER BY id;
SELECT tableoid::regclass, * FROM spread ORDER BY place;
SELECT * FROM govcase.placements();
SELECT (govcase.grid_set('grid')).*;
SELECT key, grid_column, reason, grid_now FROM govcase.unplaced('spread');
SQL
my $expected = $node->safe_psql('source', $contents);
like($expected, qr/\|east\n/, 'rows keep the grid of then');

for my $form ('plain', 'custom', 'jobs')
{
	$node->safe_psql('postgres', "CREATE DATABASE $form TEMPLATE template0");
	if ($form eq 'plain')
	{
		$node->command_ok([ 'pg_dump', '-f', "$directory/plain", 'source' ], 'plain: dumped');
		$node->command_ok(
			[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $form, '-f', "$directory/plain" ],
			'plain: restored');
	}
	else
	{
		my @jobs = $form eq 'jobs' ? ('-j2') : ();
		$node->command_ok(
			[ 'pg_dump', $form eq 'jobs' ? '-Fd' : '-Fc', @jobs, '-f', "$directory/$form", 'source' ],
			"$form: dumped");
		$node->command_ok(
			[ 'pg_restore', '--exit-on-error', @jobs, '-d', $form, "$directory/$form" ],
			"$form: restored");
	}
	is($node->safe_psql($form, $contents), $expected, "$form: the same as its source");
	is( $node->safe_psql($form, q(
		INSERT INTO spread VALUES ('a', ST_SetSRID(ST_MakePoint(111.5, 30.5), 4490)) RETURNING grid;
		CREATE TABLE spread_b PARTITION OF spread FOR VALUES IN ('b');
		INSERT INTO spread VALUES ('b', ST_SetSRID(ST_MakePoint(110.5, 30.5), 4490)) RETURNING grid;
		UPDATE "纠纷 x" SET "the point" = "the point" WHERE id = 20 RETURNING "网格";)),
		"orient\nwest\norient", "$form: places on");
}

done_testing();
