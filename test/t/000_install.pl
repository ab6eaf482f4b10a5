# What installing, dropping and looking at the extension shows: where it
# refuses, what it leaves, and whether each of its objects is described, safe
# against a caller's search_path, and closed to PUBLIC where it has to be.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Functions that run as their owner, each with a test of its own elsewhere.
my @security_definer = ();

sub slurp
{
	my ($name) = @_;
	open my $file, '<', $name or die "$name: $!";
	local $/ = undef;
	return scalar <$file>;
}

my ($version) = slurp('govcase.control') =~ /^default_version = '([^']+)'/m;

my $node = PostgreSQL::Test::Cluster->new('install');
$node->init;
$node->start;

# Runs a statement that has to fail, and returns "SQLSTATE message".
sub refusal
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$sql");
	isnt($status, 0, "refused: $sql");
	my ($found) = $err =~ /(?:ERROR|FATAL): +(\w{5}: .*)/;
	return $found // $err;
}

# Checks that a query finds nothing, and shows what it finds.
sub finds_nothing
{
	my ($database, $sql, $name) = @_;
	is($node->safe_psql($database, $sql), '', $name);
	return;
}

# An existing database, with tables in it -------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE town');
$node->safe_psql('town',
	'CREATE TABLE dispute (id integer PRIMARY KEY); INSERT INTO dispute VALUES (1)');

like(
	refusal('town', 'CREATE EXTENSION govcase;'),
	qr/required extension "postgis" is not installed/,
	'without CASCADE, the missing requirement is named');

$node->safe_psql('town', 'CREATE EXTENSION govcase CASCADE');
is( $node->safe_psql(
		'town', q(SELECT extname, extversion, nspname FROM pg_extension e
			JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'govcase')),
	"govcase|$version|govcase",
	'the version is that of the control file, the schema is govcase');
is($node->safe_psql('town', 'SELECT * FROM dispute'), '1', 'what was there is left alone');
like(
	refusal('town', 'ALTER EXTENSION govcase SET SCHEMA public;'),
	qr/extension "govcase" does not support SET SCHEMA/,
	'it cannot be moved to another schema');

# The library that was loaded is the one that was built with this version.
SKIP:
{
	skip 'a library tells its version from PostgreSQL 18 on', 1
	  if $node->safe_psql('town', 'SHOW server_version_num') < 180000;
	is( $node->safe_psql(
			'town', q(LOAD 'govcase';
			SELECT module_name, version FROM pg_get_loaded_modules() WHERE file_name ~ 'govcase')),
		"govcase|$version",
		'the library tells the version of the control file');
}

# What the extension consists of ----------------------------------------------

my $members = q(pg_depend d JOIN pg_extension e
	ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		AND d.deptype = 'e' AND e.extname = 'govcase');

cmp_ok($node->safe_psql('town', "SELECT count(*) FROM $members"),
	'>', 100, 'the extension has members to look at');

# An array type comes with its element type, a row type with its table.
finds_nothing(
	'town', qq(
	SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM $members
		LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
	WHERE coalesce(trim(obj_description(d.objid, d.classid::regclass::name)), '') = ''
		AND NOT coalesce(t.typelem <> 0 AND t.typlen = -1
			OR t.typtype = 'c' AND EXISTS
				(SELECT 1 FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c'), false)
	ORDER BY 1), 'each object has a comment');
finds_nothing(
	'town', qq(
	SELECT pg_describe_object(d.classid, d.objid, a.attnum) FROM $members
		JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
			AND c.relkind IN ('r', 'p', 'v', 'm')
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE coalesce(trim(col_description(c.oid, a.attnum)), '') = ''
	ORDER BY 1), 'each column of each table has a comment');
finds_nothing(
	'town', qq(
	SELECT p.oid::regprocedure FROM $members
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	WHERE p.pronamespace <> 'govcase'::regnamespace ORDER BY 1),
	'each function is in schema govcase');

# Privileges ------------------------------------------------------------------

is( $node->safe_psql(
		'town', qq(
	SELECT p.oid::regprocedure FROM $members
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	WHERE p.prosecdef ORDER BY 1)),
	join("\n", sort @security_definer),
	'no function runs as its owner but those that are listed here');
finds_nothing(
	'town', qq(
	SELECT c.oid::regclass, x.privilege_type FROM $members
		JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid,
		aclexplode(coalesce(c.relacl,
			acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))) x
	WHERE x.grantee = 0 AND x.privilege_type <> 'SELECT'
	UNION ALL
	SELECT c.oid::regclass, x.privilege_type FROM $members
		JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
		JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x
	WHERE x.grantee = 0 AND x.privilege_type <> 'SELECT'
	ORDER BY 1, 2), 'PUBLIC may at most read the tables');
is( $node->safe_psql(
		'town', q(SELECT string_agg(x.privilege_type, ',') FROM pg_namespace,
			aclexplode(nspacl) x WHERE nspname = 'govcase' AND x.grantee = 0)),
	'USAGE',
	'PUBLIC uses the schema and creates nothing in it');

# Safe against a caller's search_path -----------------------------------------

# A function in SQL or PL/pgSQL pins search_path, or is plain SQL that qualifies
# each name, as one has to that should be inlined.  What is unqualified is found
# roughly: any call, operator or construct that looks an operator up.
sub unqualified
{
	my ($source) = @_;
	$source =~ s/--[^\n]*//g;
	$source =~ s{/\*.*?\*/}{}gs;
	$source =~ s/'(?:[^']|'')*'/''/g;
	$source =~ s/OPERATOR\s*\(\s*\w+\.[^)]+\)/ /gi;
	my @found;
	push @found, $1
	  while $source =~ /(?<![\w.])(\w+)\s*\(/g
	  && $1 !~ /^(?:AND|ANY|ARRAY|AS|ALL|CASE|CAST|COALESCE|ELSE|EXISTS|FILTER|FROM|NOT|ON|OR|OVER|ROW|SELECT|SOME|THEN|VALUES|WHEN|WHERE|ORDINALITY|WITHIN|BY|\w)$/i;
	push @found, $1
	  while $source =~ /\b(IN\s*\(|BETWEEN|I?LIKE|SIMILAR|NULLIF|DISTINCT\s+FROM|CASE\s+(?!WHEN)\w+)/gi;
	$source =~ s/::|=>|\(\s*\*\s*\)|\.\*|\$\d+|SELECT\s+\*//g;
	push @found, $1 while $source =~ m{([-+*/<>=~!@#%^&|`?]+)}g;
	return @found;
}

is_deeply([ unqualified(q(SELECT pg_catalog.cardinality(a) OPERATOR(pg_catalog.>) 0)) ],
	[], 'a qualified function is taken for one');
is_deeply([ unqualified(q(SELECT cardinality(a) OPERATOR(pg_catalog.>) 0)) ],
	['cardinality'], 'an unqualified call is found');
is_deeply([ unqualified(q(SELECT pg_catalog.cardinality(a) > 0)) ],
	['>'], 'an unqualified operator is found');

my $functions = $node->safe_psql(
	'town', qq(
	SELECT p.oid::regprocedure, l.lanname, encode(convert_to(p.prosrc, 'UTF8'), 'hex'),
		EXISTS (SELECT 1 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
	FROM $members
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
		JOIN pg_language l ON l.oid = p.prolang
	WHERE p.prokind <> 'a' AND l.lanname NOT IN ('c', 'internal') ORDER BY 1));
my @open;
foreach my $row (split /\n/, $functions)
{
	my ($name, $language, $source, $pinned) = split /\|/, $row;
	next if $pinned eq 't';
	my @found = unqualified(pack 'H*', $source);
	@found = ('PL/pgSQL') if $language ne 'sql';
	push @open, "$name: @found" if @found;
}
is(join("\n", @open), '', 'each function pins search_path or qualifies each name');
finds_nothing(
	'town', qq(
	SELECT p.oid::regprocedure, c FROM $members
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid,
		unnest(p.proconfig) c
	WHERE c ~ '^search_path=' AND c !~ '(^search_path=|, *)pg_temp\$' ORDER BY 1),
	'where search_path is pinned, pg_temp is its last');

# Dropped and made again ------------------------------------------------------

$node->safe_psql('town', 'DROP EXTENSION govcase');
finds_nothing(
	'town', q(
	SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'govcase'::regnamespace),
	'DROP EXTENSION leaves nothing behind');
is($node->safe_psql('town', 'SELECT * FROM dispute'), '1', 'nor takes anything with it');
$node->safe_psql('town', 'CREATE EXTENSION govcase');
is($node->safe_psql('town', q(SELECT 'red'::govcase.risk_level)),
	'red', 'it can be created again');

# A schema that somebody made beforehand --------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE village OWNER mallory');
$node->safe_psql('village', 'CREATE EXTENSION postgis');
my $functions_put_in = q(SELECT proname FROM pg_proc p JOIN pg_namespace n
	ON n.oid = p.pronamespace AND n.nspname = 'govcase');

$node->safe_psql('village', 'CREATE SCHEMA govcase AUTHORIZATION mallory');
is( refusal('village', 'CREATE EXTENSION govcase;'),
	'42501: schema "govcase" belongs to another role',
	'a schema of somebody else is not trusted');
finds_nothing('village', $functions_put_in, 'and nothing is put into it');
$node->safe_psql('village', 'DROP SCHEMA govcase');

$node->safe_psql('village',
	'CREATE SCHEMA govcase CREATE TABLE policy (policy text) CREATE VIEW own AS SELECT 1 AS one');
is( refusal('village', 'CREATE EXTENSION govcase;'),
	'42P06: schema "govcase" is not empty',
	'a schema with something in it is not used');
finds_nothing('village', $functions_put_in, 'and nothing is put into it');
$node->safe_psql('village', 'DROP SCHEMA govcase CASCADE');

# Who may install, and into what ----------------------------------------------

like(
	refusal('village', "SET SESSION AUTHORIZATION mallory;\nCREATE EXTENSION govcase;"),
	qr/^42501: permission denied to create extension "govcase"/,
	'only a superuser installs a library, the owner of the database does not');

# pg_dump restores an empty schema before the extension.
$node->safe_psql('village', 'CREATE SCHEMA govcase');
$node->safe_psql('village', 'CREATE EXTENSION govcase');
is($node->safe_psql('village', q(SELECT 'red'::govcase.risk_level)),
	'red', 'an empty schema of the installing role is used');

# The distribution's own words ------------------------------------------------

my $meta = decode_json(slurp('META.json'));
is_deeply([ $meta->{version}, $meta->{provides}{govcase}{version} ],
	[ $version, $version ], 'META.json names the version of the control file');
like(slurp('CHANGELOG.md'), qr/^## \Q$version\E\b/m, 'CHANGELOG.md tells of this version');

$node->stop;
done_testing();
