# A publisher and a subscriber with the same protected tables.  What was allowed
# on one side is applied on the other without being judged or chained again;
# links arrive as they are; what is written on the subscriber itself is judged.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', 'fsync = off');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', 'fsync = off');
$subscriber->start;

my $schema = q(
SET search_path = public, govcase;
CREATE TABLE dispute (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL, responsible text, leader text, difficult boolean, reason text,
	reported_at timestamptz, open_work integer);
SELECT create_follow_ups('dispute', 'follow_up');
CREATE TABLE spread (county text, id integer, state case_state NOT NULL, reason text, PRIMARY KEY (county, id))
	PARTITION BY LIST (county);
CREATE TABLE spread_a PARTITION OF spread FOR VALUES IN ('a');
CREATE TABLE spread_b PARTITION OF spread FOR VALUES IN ('b');
SELECT create_follow_ups('spread', 'spread_link');
);
my $protect = q(
SELECT govcase.protect_cases('dispute', 'three_colour', 'follow_up');
SELECT govcase.protect_cases('spread', 'matter', 'spread_link');
);
for my $node ($publisher, $subscriber)
{
	$node->safe_psql('postgres', 'CREATE EXTENSION govcase CASCADE');
	$node->safe_psql('postgres', $schema);
}
$publisher->safe_psql('postgres', $protect);

# What is there before the subscription is copied; then the subscriber protects.
# A chain set has one identity, so it comes by a dump of the triggers.
$publisher->safe_psql('postgres', q(
INSERT INTO dispute (id, risk) VALUES (1, 'red'), (2, 'yellow');
UPDATE dispute SET state = 'assigned', responsible = 'li', leader = 'wang' WHERE id = 1;
INSERT INTO spread VALUES ('a', 1, 'collected'), ('b', 1, 'collected');));
my ($dump) = run_command([ 'pg_dump', '-d', $publisher->connstr('postgres'), '--section=post-data',
	'-t', 'dispute', '-t', 'follow_up', '-t', 'spread*' ]);
my $triggers = join "\n", grep { /^CREATE TRIGGER/ } split /\n/, $dump;
is(() = $triggers =~ /^CREATE TRIGGER/mg, 5 + 4 + 5 + 4 + 2, 'the protections are so many triggers');
$subscriber->safe_psql('postgres', $triggers);
is( $subscriber->safe_psql('postgres', 'SELECT cases, follow_ups, problem, triggers_missing FROM govcase.protections()'),
	"dispute|follow_up||\nspread|spread_link||",
	'the subscriber is protected alike');

$publisher->safe_psql('postgres', 'CREATE PUBLICATION city FOR TABLE dispute, follow_up, spread, spread_link');
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION city CONNECTION '$connection' PUBLICATION city");
$subscriber->poll_query_until('postgres',
	q(SELECT count(*) FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')), '0')
  or die 'timed out while tables were copied';

my $rows = q(
SELECT * FROM dispute ORDER BY id;
SELECT * FROM follow_up ORDER BY id, seq;
SELECT tableoid::regclass, * FROM spread ORDER BY county, id;
SELECT * FROM spread_link ORDER BY county, id, seq;
);
my $verify = q(SELECT * FROM govcase.verify_chain('dispute'); SELECT * FROM govcase.verify_chain('spread'););

sub check_same
{
	my ($what) = @_;
	$publisher->wait_for_catchup('city');
	is_deeply(
		[ split /\n/, $subscriber->safe_psql('postgres', $rows) ],
		[ split /\n/, $publisher->safe_psql('postgres', $rows) ],
		"$what: the same rows and links on both sides");
	is($subscriber->safe_psql('postgres', $verify), '', "$what: the subscriber's chains verify");
	return;
}
check_same('copied');

# Changes, every kind of them.
$publisher->safe_psql('postgres', q(
INSERT INTO dispute (id, risk) SELECT n, 'red' FROM generate_series(3, 12) n;
UPDATE dispute SET state = 'handling' WHERE id = 1;
INSERT INTO follow_up (id, kind, note, satisfied) VALUES (1, 'mediation', 'both came', true);
SET govcase.actor = 'deputy';
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
UPDATE dispute SET state = 'fed_back' WHERE id = 1;
UPDATE spread SET state = 'assigned';
INSERT INTO spread VALUES ('b', 2, 'collected');
SELECT govcase.redact('follow_up', 1, 4, 'asked to');));
check_same('changed');
is($subscriber->safe_psql('postgres', q(SELECT count(*) FROM follow_up WHERE id = 1)),
	$publisher->safe_psql('postgres', q(SELECT count(*) FROM follow_up WHERE id = 1)),
	'nothing was chained twice');

# What the publisher's owner did past his triggers is not judged here either:
# apply does not enforce, verify_chain sees it on both sides.
$publisher->safe_psql('postgres', q(
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE dispute SET state = 'closed' WHERE id = 12;
COMMIT;));
$publisher->wait_for_catchup('city');
is($subscriber->safe_psql('postgres', q(SELECT state FROM dispute WHERE id = 12)), 'closed', 'apply does not enforce');
isnt($subscriber->safe_psql('postgres', q(SELECT * FROM govcase.verify_chain('dispute'))), '', 'verify_chain sees it');
$publisher->safe_psql('postgres', q(
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE dispute SET state = 'collected' WHERE id = 12;
COMMIT;));
check_same('set right');

# Local writes on the subscriber are judged and chained there.
for my $refused (
	[ q(UPDATE dispute SET state = 'closed' WHERE id = 2), 'VC001' ],
	[ q(DELETE FROM dispute WHERE id = 2), 'VC003' ],
	[ q(DELETE FROM follow_up WHERE id = 2), 'VC003' ],
	[ q(TRUNCATE spread_a), 'VC003' ],
	[ q(INSERT INTO dispute (id, risk) VALUES (100, 'blue')), 'VC001' ])
{
	my ($status, undef, $err) = $subscriber->psql('postgres', "\\set VERBOSITY verbose\n$refused->[0];");
	like($err, qr/ERROR:  $refused->[1]: /, "on the subscriber: $refused->[0]");
}
$subscriber->safe_psql('postgres', q(
INSERT INTO dispute (id, risk) VALUES (1000, 'red');
UPDATE dispute SET state = 'assigned', responsible = 'li', leader = 'wang' WHERE id = 1000;));
is( $subscriber->safe_psql('postgres', q(SELECT seq, kind, to_state FROM follow_up WHERE id = 1000 ORDER BY seq)),
	"1|registered|collected\n2|transition|assigned",
	'a case of the subscriber has its chain there');
is($subscriber->safe_psql('postgres', $verify), '', 'and verifies');

$subscriber->stop;
$publisher->stop;
done_testing();
