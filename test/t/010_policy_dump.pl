# A dump carries a user's own policies and their versions, and not the shipped
# ones, which come with the extension: after a restore there is each of them
# once, nothing stood in the way, and version numbers go on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('policy_dump');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;

my @tables = qw(policy policy_role policy_move policy_need policy_invariant
  policy_promise policy_term policy_version);

# Each policy table with a digest over its rows, times and digests included.  The
# time at which a database got its shipped versions is its own.
sub contents
{
	my ($database) = @_;
	my $query = join ' UNION ALL ', map {
		"SELECT '$_' AS name, to_jsonb(t) - CASE WHEN '$_' = 'policy_version' AND to_jsonb(t) -> 'shipped' = 'true'
			THEN 'activated_at' ELSE '' END AS line FROM govcase.$_ t"
	} @tables;
	return $node->safe_psql($database,
		"SELECT name, md5(string_agg(line::text, E'\n' ORDER BY line::text)) FROM ($query) l GROUP BY name ORDER BY name");
}

sub count_rows
{
	my ($database) = @_;
	return $node->safe_psql(
		$database,
		'SELECT ' . join(', ', map { "(SELECT count(*) FROM govcase.$_)" } @tables));
}

# Runs a program and shows what it said where it fails.
sub runs
{
	my ($name, @command) = @_;
	my ($out, $err);
	my $ok = IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	ok($ok, $name) or diag($err);
	return $err;
}

$node->safe_psql('postgres', 'CREATE ROLE policy_editor');
$node->safe_psql('postgres', 'CREATE DATABASE city');
$node->safe_psql('city', <<'SQL');
CREATE EXTENSION govcase CASCADE;
-- two versions, and an edit since that is not in force
SELECT govcase.copy_policy('four_colour', '周口 rules');
SELECT govcase.activate_policy('周口 rules');
DELETE FROM govcase.policy_move WHERE policy = '周口 rules' AND move = 'come_back_higher';
SELECT govcase.activate_policy('周口 rules');
UPDATE govcase.policy_term SET within = '36 hours' WHERE policy = '周口 rules' AND n = 1;
-- one that was never activated, and one without anything in it
SELECT govcase.copy_policy('matter', 'draft');
INSERT INTO govcase.policy (policy, risks) VALUES ('empty', '{red}');
GRANT INSERT, UPDATE, DELETE ON govcase.policy_term TO policy_editor;
GRANT EXECUTE ON FUNCTION govcase.activate_policy(text) TO policy_editor;
SQL

my $before = contents('city');
my $rows = count_rows('city');
is($node->safe_psql('city', q(SELECT version FROM govcase.policy_version WHERE NOT shipped ORDER BY 1)),
	"1\n2", 'two versions are there to be dumped');

my $dir = PostgreSQL::Test::Utils::tempdir();
my @connection = ('-h', $node->host, '-p', $node->port);

runs('plain dump', 'pg_dump', @connection, '-f', "$dir/city.sql", 'city');
runs('custom dump', 'pg_dump', @connection, '-Fc', '-f', "$dir/city.dump", 'city');
runs('directory dump', 'pg_dump', @connection, '-Fd', '-j', '2', '-f', "$dir/city.dir", 'city');
runs('data-only dump', 'pg_dump', @connection, '-a', '-f', "$dir/data.sql", 'city');
runs('data-only dump, triggers disabled',
	'pg_dump', @connection, '-a', '--disable-triggers', '-f', "$dir/data_disabled.sql", 'city');

unlike(slurp_file("$dir/city.sql"), qr/three_colour/, 'shipped rows are not dumped');

# What a restored database does: nothing lost, nothing double, and it goes on.
sub works_on
{
	my ($database, $how) = @_;

	is(contents($database), $before, "$how: every row is as it was");
	is(count_rows($database), $rows, "$how: there are as many as there were");
	is( $node->safe_psql(
			$database, q(SELECT count(*) FROM govcase.policy_moves('周口 rules'))),
		'131', "$how: the version in force is obeyed");
	is($node->safe_psql($database, q(SELECT govcase.activate_policy('周口 rules'))),
		'3', "$how: the pending edit becomes the next version");
	is($node->safe_psql($database, q(SELECT govcase.activate_policy('周口 rules'))),
		'3', "$how: and is then in force");
	is($node->safe_psql($database, q(SELECT govcase.activate_policy('draft'))),
		'1', "$how: what was never activated begins at 1");
	is($node->safe_psql($database, q(SELECT govcase.activate_policy('matter'))),
		'1', "$how: a shipped policy has its one version");

	my ($status, $out, $err) =
	  $node->psql($database, q(DELETE FROM govcase.policy WHERE policy = 'matter'));
	like($err, qr/shipped with govcase/, "$how: shipped policies are guarded");
	($status, $out, $err) = $node->psql($database, 'DELETE FROM govcase.policy_version');
	like($err, qr/append-only/, "$how: versions are guarded");
	return;
}

sub may_edit
{
	my ($database) = @_;
	return $node->safe_psql(
		$database,
		q(SELECT has_table_privilege('policy_editor', 'govcase.policy_term', 'UPDATE'),
			has_function_privilege('policy_editor', 'govcase.activate_policy(text)', 'EXECUTE'),
			has_function_privilege('public', 'govcase.activate_policy(text)', 'EXECUTE')));
}

sub trigger_states
{
	my ($database) = @_;
	return $node->safe_psql(
		$database,
		q(SELECT string_agg(tgenabled, '' ORDER BY tgname) FROM pg_trigger
			WHERE tgrelid = 'govcase.policy_version'::regclass AND NOT tgisinternal));
}

$node->safe_psql('postgres', "CREATE DATABASE $_")
  for qw(plain custom directory data disabled);

runs('plain restore', 'psql', @connection, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d',
	'plain', '-f', "$dir/city.sql");
works_on('plain', 'plain');
is(may_edit('plain'), 't|t|f', 'plain: what was granted and revoked stays so');

is( runs('custom restore', 'pg_restore', @connection, '--exit-on-error', '-d', 'custom',
		"$dir/city.dump"),
	'', 'custom: nothing to complain of');
works_on('custom', 'custom');

runs('parallel restore', 'pg_restore', @connection, '--exit-on-error', '-j', '2', '-d',
	'directory', "$dir/city.dir");
works_on('directory', 'parallel');
is(trigger_states('directory'), 'AAAA', 'parallel: the triggers of policy_version are ALWAYS');

$node->safe_psql($_, 'CREATE EXTENSION govcase CASCADE') for qw(data disabled);
runs('data-only restore', 'psql', @connection, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d',
	'data', '-f', "$dir/data.sql");
works_on('data', 'data-only');

runs('data-only restore, triggers disabled',
	'psql', @connection, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'disabled', '-f',
	"$dir/data_disabled.sql");
works_on('disabled', 'triggers disabled');

# Such a restore leaves ALWAYS triggers plain, and repair_triggers() knows.
is(trigger_states('disabled'), 'OOOO', 'disabling and enabling loses ALWAYS');
$node->safe_psql('disabled', q(SELECT govcase.repair_triggers('govcase.policy_version')));
is(trigger_states('disabled'), 'AAAA', 'repair_triggers() brings it back');

# A dump of what was restored is the same once more.
runs('second plain dump', 'pg_dump', @connection, '-Fc', '-f', "$dir/again.dump", 'plain');
$node->safe_psql('postgres', 'CREATE DATABASE again');
runs('second restore', 'pg_restore', @connection, '--exit-on-error', '-d', 'again',
	"$dir/again.dump");
is(contents('again'), contents('plain'), 'a second round trip changes nothing');

$node->stop;
done_testing();
