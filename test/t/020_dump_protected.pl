# Protections live in triggers alone, so a dump carries them.  Protected tables
# of every shape are dumped in each of pg_dump's forms, restored, and must be
# the same, verify, and go on by their rules.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
my $directory = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE ROLE keeper');
$node->safe_psql('postgres', 'CREATE DATABASE source TEMPLATE template0');
$node->safe_psql('source', 'CREATE EXTENSION govcase CASCADE');

# What is to be dumped --------------------------------------------------------

my $roles = q(responsible text, leader text, difficult boolean, reason text,
	reported_at timestamptz, open_work integer);
$node->safe_psql('source', <<"SQL");
SET search_path = public, govcase;
GRANT CREATE ON SCHEMA public TO keeper;
-- A policy of the city's own, in its second version.
SELECT copy_policy('three_colour', 'local');
SELECT activate_policy('local');
UPDATE policy_term SET within = '2 days' WHERE policy = 'local' AND kind = 'stay';
SELECT activate_policy('local');
SELECT copy_policy('matter', 'draft');

SET ROLE keeper;
-- A plain table.
CREATE TABLE dispute (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL, $roles);
SELECT create_follow_ups('dispute', 'follow_up');
SELECT protect_cases('dispute', 'local', 'follow_up');
-- Partitioned, with columns in another order in a partition and a key of two columns.
CREATE TABLE spread (county text NOT NULL, id integer NOT NULL, state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL, $roles, PRIMARY KEY (county, id)) PARTITION BY LIST (county);
CREATE TABLE spread_a PARTITION OF spread FOR VALUES IN ('a');
CREATE TABLE spread_b ($roles, risk risk_level NOT NULL, gone text, state case_state NOT NULL,
	id integer NOT NULL, county text NOT NULL);
ALTER TABLE spread_b DROP gone;
ALTER TABLE spread ATTACH PARTITION spread_b FOR VALUES IN ('b');
CREATE TABLE spread_rest PARTITION OF spread DEFAULT PARTITION BY HASH (id);
CREATE TABLE spread_rest_0 PARTITION OF spread_rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT create_follow_ups('spread', 'shape');
CREATE TABLE spread_link (LIKE shape INCLUDING ALL) PARTITION BY LIST (county);
CREATE TABLE spread_link_a PARTITION OF spread_link FOR VALUES IN ('a');
CREATE TABLE spread_link_rest PARTITION OF spread_link DEFAULT;
DROP TABLE shape;
SELECT protect_cases('spread', 'three_colour', 'spread_link');
-- Names that need quoting, roles that share a column, keys of text and of dates and uuids.
RESET ROLE;
CREATE SCHEMA "\x{57ce} \x{5e02}" AUTHORIZATION keeper;
SET ROLE keeper;
CREATE TABLE "\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x""" ("\x{7f16}\x{53f7}" varchar(20) PRIMARY KEY,
	"State" case_state NOT NULL DEFAULT 'collected', "\x{98ce}\x{9669}" risk_level NOT NULL, who text, "hard?" boolean,
	"O'Reason" text, at date, work smallint);
SELECT create_follow_ups('"\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x"""', '\x{8ddf}\x{8fdb}');
SELECT protect_cases('"\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x"""', 'four_colour', '"\x{57ce} \x{5e02}"."\x{8ddf}\x{8fdb}"',
	columns => '{"state": "State", "risk": "\x{98ce}\x{9669}", "responsible": "who", "leader": "who", "difficult": "hard?",
		"reason": "O''Reason", "reported_at": "at", "open_work": "work"}');
CREATE TABLE dated (number uuid, day date, state case_state NOT NULL, risk risk_level NOT NULL, $roles,
	PRIMARY KEY (day, number));
SELECT create_follow_ups('dated', 'dated_link');
SELECT protect_cases('dated', 'three_colour', 'dated_link');
-- Without a chain, and with a function that says who acts.
CREATE TABLE matter (id integer PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT protect_cases('matter', 'matter');
CREATE FUNCTION "who acts"() RETURNS text LANGUAGE sql STABLE AS \$\$ SELECT 'account 1'::text \$\$;
CREATE TABLE signed (id integer PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT create_follow_ups('signed', 'signed_link');
SELECT protect_cases('signed', 'matter', 'signed_link', actor_function => '"who acts"()');
SQL

$node->safe_psql('source', <<"SQL");
SET search_path = public, govcase;
SET ROLE keeper;
INSERT INTO dispute (id, risk) SELECT n, CASE n % 2 WHEN 0 THEN 'red' ELSE 'yellow' END::risk_level
FROM generate_series(1, 40) n;
UPDATE dispute SET state = 'assigned', responsible = 'li', leader = 'wang' WHERE id <= 20;
UPDATE dispute SET state = 'handling' WHERE id <= 10;
INSERT INTO follow_up (id, kind, note, satisfied)
SELECT n, 'mediation', 'talked for ' || n || ' hours', n % 3 = 0 FROM generate_series(1, 10) n;
SET govcase.actor = 'deputy';
UPDATE dispute SET risk = 'yellow' WHERE id <= 10 AND risk = 'red';
SELECT redact('follow_up', 4, NULL::bigint, 'told to');
RESET govcase.actor;
INSERT INTO spread (county, id, risk) SELECT c, n, 'yellow' FROM unnest('{a,b,c}'::text[]) c, generate_series(1, 5) n;
UPDATE spread SET state = 'assigned', responsible = 'li' WHERE id > 2;
INSERT INTO "\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x""" VALUES ('\x{5ddd} 1', 'collected', 'orange'), ('\x{5ddd} 2', 'collected', 'blue');
UPDATE "\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x""" SET "State" = 'voided', "O'Reason" = '\x{91cd}\x{590d}' WHERE "\x{7f16}\x{53f7}" = '\x{5ddd} 2';
INSERT INTO dated VALUES ('00000000-0000-0000-0000-000000000001', '2024-02-29', 'collected', 'red');
INSERT INTO matter VALUES (1, 'collected');
INSERT INTO signed VALUES (1, 'collected');
UPDATE signed SET state = 'assigned';
SQL

# What a database holds, as text; owners are compared apart.
my $contents = <<'SQL';
SET search_path = public, govcase;
SELECT cases, follow_ups, policy, version, columns, link_columns, chain_set, without_links, actor_function,
	triggers_missing, triggers_disabled, problem FROM protections();
SELECT * FROM dispute ORDER BY id;
SELECT * FROM follow_up ORDER BY id, seq;
SELECT tableoid::regclass, * FROM spread ORDER BY county, id;
SELECT tableoid::regclass, * FROM spread_link ORDER BY county, id, seq;
SELECT * FROM dated_link;
SELECT * FROM signed_link ORDER BY id, seq;
SELECT policy, version, activated_at, activated_by, rules, digest FROM policy_version WHERE NOT shipped ORDER BY policy, version;
SELECT * FROM policy_term ORDER BY policy, n;
SELECT * FROM policy WHERE policy IN ('local', 'draft') ORDER BY policy;
SELECT tgrelid::regclass, tgname, tgenabled,
	regexp_replace(pg_get_triggerdef(t.oid), '^CREATE', '') FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE p.pronamespace = 'govcase'::regnamespace ORDER BY tgrelid::regclass::text COLLATE "C", tgname;
SQL
$contents .= qq(SELECT * FROM "\x{57ce} \x{5e02}"."\x{8ddf}\x{8fdb}" ORDER BY 1, 2;\n);
my $expected = $node->safe_psql('source', $contents);
like($expected, qr/local\|2\|/, 'the source is protected under the second version of its own policy');
unlike($expected, qr/missing|several|no case table/, 'and trusted');

my $verify = join "\n", map { "SELECT * FROM govcase.verify_chain('$_');" }
  ('public.dispute', 'public.spread', 'public.dated', 'public.signed',
	qq("\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x"""));
is($node->safe_psql('source', $verify), '', 'the source verifies');

# A restored database is the same, verifies, and goes on.
sub check_restored
{
	my ($database, $form, $owner) = @_;

	is_deeply(
		[ split /\n/, $node->safe_psql($database, $contents) ],
		[ split /\n/, $expected ],
		"$form: the same as its source");
	is($node->safe_psql($database, $verify), '', "$form: every chain verifies");
	is( $node->safe_psql(
			$database, q(SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class
				WHERE relname IN ('dispute', 'follow_up', 'spread', 'spread_link_rest'))),
		$owner, "$form: the owner is as it should be");
	for my $refused (
		[ q(UPDATE dispute SET state = 'closed' WHERE id = 1), 'VC001' ],
		[ q(UPDATE dispute SET responsible = NULL WHERE id = 1), 'VC006' ],
		[ q(UPDATE dispute SET state = 'supervised', id = 99 WHERE id = 1), 'VC003' ],
		[ q(INSERT INTO dispute (id, risk) VALUES (100, 'blue')), 'VC001' ],
		[ q(DELETE FROM dispute WHERE id = 1), 'VC003' ],
		[ q(TRUNCATE spread_b), 'VC003' ],
		[ q(UPDATE spread_b SET state = 'assigned' WHERE id = 1), 'VC006' ],
		[ q(TRUNCATE spread_link_a), 'VC003' ],
		[ q(UPDATE follow_up SET note = 'else' WHERE id = 1), 'VC003' ],
		[ q(INSERT INTO follow_up (id, kind) VALUES (1000, 'visit')), '23503' ],
		[ q(UPDATE matter SET state = 'closed'), 'VC001' ])
	{
		my ($status, undef, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$refused->[0];");
		like($err, qr/ERROR:  $refused->[1]: /, "$form: $refused->[0]");
	}
	$node->safe_psql($database, <<"SQL");
UPDATE dispute SET state = 'supervised' WHERE id = 1;
INSERT INTO dispute (id, risk) VALUES (101, 'red');
UPDATE spread SET state = 'assigned', responsible = 'li' WHERE county = 'b' AND id = 1;
INSERT INTO follow_up (id, kind, note) VALUES (101, 'visit', 'after the restore');
UPDATE "\x{57ce} \x{5e02}"."\x{77db}\x{76fe} ""x""" SET "State" = 'voided', "O'Reason" = 'x' WHERE "\x{7f16}\x{53f7}" = '\x{5ddd} 1';
UPDATE signed SET state = 'handling';
CREATE TABLE spread_d PARTITION OF spread FOR VALUES IN ('d');
SQL
	is($node->safe_psql($database, $verify), '', "$form: every chain goes on");
	is( $node->safe_psql($database, 'SELECT actor FROM signed_link ORDER BY seq DESC LIMIT 1'),
		'account 1', "$form: the actor function is asked");
	like(
		($node->psql($database, "\\set VERBOSITY verbose\nTRUNCATE spread_d;"))[2],
		qr/VC003/, "$form: a new partition is under the protection");
	return;
}

# Every form -------------------------------------------------------------------

$node->command_ok([ 'pg_dump', '-f', "$directory/plain.sql", 'source' ], 'dumped plainly');
$node->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE template0');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$directory/plain.sql" ],
	'restored plainly');
check_restored('plain', 'plain', 'keeper');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$directory/custom", 'source' ], 'dumped in the custom form');
$node->safe_psql('postgres', 'CREATE DATABASE custom TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'custom', "$directory/custom" ], 'restored from it');
check_restored('custom', 'custom', 'keeper');

$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$directory/jobs", 'source' ], 'dumped by two jobs');
$node->safe_psql('postgres', 'CREATE DATABASE jobs TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j2', '-d', 'jobs', "$directory/jobs" ], 'restored by two');
$node->command_ok([ 'pg_dump', '-f', "$directory/again.sql", 'jobs' ], 'dumped once more');
my ($first, $second) = map { my $text = slurp_file($_); $text =~ s/^\\(un)?restrict .*$//mg; $text }
  ("$directory/plain.sql", "$directory/again.sql");
is_deeply([ split /\n/, $second ], [ split /\n/, $first ],
	'the dump of a restored database is the dump of its source');
check_restored('jobs', 'directory', 'keeper');

$node->safe_psql('postgres', 'CREATE DATABASE unowned TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--no-owner', '-d', 'unowned', "$directory/custom" ],
	'restored without owners');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
check_restored('unowned', 'no owner', $superuser);

# Data alone ------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE data TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-s', '-d', 'data', "$directory/custom" ], 'the schema alone');
$node->command_fails(
	[ 'pg_restore', '--exit-on-error', '-a', '-t', 'follow_up', '-d', 'data', "$directory/custom" ],
	'links do not load past their triggers');
is($node->safe_psql('data', 'SELECT count(*) FROM follow_up'), '0', 'and none is there');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-a', '--disable-triggers', '-d', 'data', "$directory/custom" ],
	'the data alone, with triggers disabled');
isnt($node->safe_psql('data', q(SELECT count(*) FROM pg_trigger WHERE tgrelid = 'govcase.policy_version'::regclass
	AND NOT tgisinternal AND tgenabled <> 'A')), '0', 'which leaves triggers of policy_version ordinary ones');
$node->safe_psql('data', q(SELECT govcase.repair_triggers('govcase.policy_version')));
is($node->safe_psql('data', q(SELECT govcase.repair_triggers('public.dispute'))),
	'', 'those of protected tables are as they should be');
check_restored('data', 'data only', 'keeper');

done_testing();
