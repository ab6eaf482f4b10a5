# A city at work, and the server is killed in the midst of it, again and again.
# After recovery every committed case is there with its links, and every chain
# verifies: the row, its registration and its transitions are one transaction.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', q(
fsync = on
checkpoint_timeout = 30s
restart_after_crash = on
));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION govcase CASCADE');
$node->safe_psql('postgres', q(
SET search_path = public, govcase;
CREATE TABLE dispute (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL, responsible text, leader text,
	difficult boolean, reason text, reported_at timestamptz, open_work integer);
SELECT create_follow_ups('dispute', 'follow_up');
SELECT protect_cases('dispute', 'three_colour', 'follow_up');
-- Twenty cases that everybody writes to.
INSERT INTO dispute (risk) SELECT 'yellow' FROM generate_series(1, 20);
));

my $directory = PostgreSQL::Test::Utils::tempdir();
my $script = "$directory/work.sql";
append_to_file($script, q(\set hot random(1, 20)
BEGIN;
INSERT INTO dispute (risk) VALUES ('red') RETURNING id \gset
UPDATE dispute SET state = 'assigned', responsible = 'li', leader = 'wang' WHERE id = :id;
INSERT INTO follow_up (id, kind, note) VALUES (:id, 'visit', repeat('x', 300));
UPDATE dispute SET state = 'handling' WHERE id = :id;
INSERT INTO follow_up (id, kind, note) VALUES (:hot, 'note', 'case ' || :id);
COMMIT;
));

# Transactions that pgbench was told had been committed.
sub logged_commits
{
	my ($prefix) = @_;
	my $count = 0;
	for my $file (glob "$prefix*")
	{
		$count += () = slurp_file($file) =~ /\n/g;
	}
	return $count;
}

my $cases = 20;
my $round = 0;
for my $victim ('backend', 'server', 'backend', 'server')
{
	$round++;
	my $prefix = "$directory/log$round";
	my ($in, $out, $err) = ('', '', '');
	my $pgbench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', '4', '-T', '60', '-l', "--log-prefix=$prefix", '-f', $script,
			'-h', $node->host, '-p', $node->port, 'postgres' ],
		'<' => \$in, '>' => \$out, '2>' => \$err);

	# Let it work until there is something to lose.
	$node->poll_query_until('postgres', 'SELECT count(*) > ' . ($cases + 100) . ' FROM dispute')
	  or die 'timed out while pgbench worked';
	my @pids = split /\n/, $node->safe_psql('postgres',
		q(SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()
			ORDER BY backend_type <> 'client backend', state <> 'active'));
	if ($victim eq 'backend')
	{
		# One backend dies; the postmaster starts all over.
		kill 'KILL', $pids[0];
		$pgbench->finish;
	}
	else
	{
		my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
		kill 'KILL', $postmaster, @pids;
		$pgbench->finish;
		# Whoever of them is left must be gone before the next one starts.
		for (1 .. 300)
		{
			last unless grep { kill 0, $_ } $postmaster, @pids;
			usleep(100_000);
		}
		$node->{_pid} = undef;
		unlink $node->data_dir . '/postmaster.pid';
		$node->start;
	}
	$node->poll_query_until('postgres', 'SELECT true') or die 'timed out while the server recovered';

	my $logged = logged_commits($prefix);
	my $now = $node->safe_psql('postgres', 'SELECT count(*) FROM dispute');
	cmp_ok($logged, '>', 0, "round $round: pgbench had committed something ($logged)");
	cmp_ok($now, '>=', $cases + $logged, "round $round, $victim killed: what was committed is there");
	is($node->safe_psql('postgres', q(SELECT * FROM govcase.verify_chain('dispute'))), '',
		"round $round: every chain verifies");
	is( $node->safe_psql('postgres', q(
			SELECT d.id FROM dispute d WHERE (SELECT count(*) FROM follow_up f WHERE f.id = d.id AND f.kind = 'registered') <> 1
				OR d.id > 20 AND (SELECT string_agg(f.kind, ' ' ORDER BY f.seq) FROM follow_up f WHERE f.id = d.id)
					IS DISTINCT FROM 'registered transition visit transition')),
		'', "round $round: no case without its links, and no part of them");
	is( $node->safe_psql('postgres', q(SELECT count(*) FROM follow_up WHERE kind = 'note')),
		$now - 20, "round $round: and none of them lost on the cases that all write to");
	is( $node->safe_psql('postgres', q(
			SELECT id FROM follow_up GROUP BY id HAVING max(seq) <> count(*) OR min(seq) <> 1)),
		'', "round $round: numbers without a gap");
	$cases = $now;
}

$node->stop;
done_testing();
