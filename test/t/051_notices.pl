# What accounts are told, as one that listens gets it: on the channel that bears
# the registry's name, the number of the notice alone, and only for what cannot
# wait: an assignment, an escalation, and what the due run finds.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('notices');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION govcase CASCADE;
CREATE ROLE reader LOGIN;
CALL govcase.create_registry('Zhou K');
SET search_path = "Zhou K", govcase, public;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city');
INSERT INTO account VALUES ('a-li'), ('a-wang');
INSERT INTO account_duty (account, duty, region) VALUES ('a-li', 'centre', '411600000000');
INSERT INTO account_login VALUES (session_user, 'vouched', NULL), ('reader', 'person', 'a-li');
CALL admit('reader', 'centre');
INSERT INTO petition (received_on, region, heads, resolvable)
SELECT '2025-03-01', '411600000000', 1, true FROM generate_series(1, 3);
INSERT INTO deadline (rule, petition, started_on, due) VALUES
	(1, 1, '2025-03-01', '2025-03-10'), (1, 2, '2025-03-01', '2025-03-11'), (1, 3, '2025-03-01', '2025-03-20');
SQL

# Payloads that a session hears on a channel while it runs something.
sub heard
{
	my ($channel, $sql) = @_;
	my $output = $node->safe_psql('postgres',
		qq(SET search_path = "Zhou K", govcase, public;\nLISTEN $channel;\n$sql\n));
	return [ $output =~ /^Asynchronous notification .*? with payload "(.*?)" received/mg ];
}

my @loud = qw(assignment escalation due);
my $kinds = join ', ', map { "('$_')" } qw(assignment accepted escalation done matter due transferred);
my $heard = heard('"Zhou K"', "SELECT send_notice('a-li', kind) FROM (VALUES $kinds) AS k(kind);");
is(scalar(@$heard), 3, 'three of seven kinds are heard');
is( $node->safe_psql('postgres', sprintf q(SELECT string_agg(kind, ' ' ORDER BY id) FROM "Zhou K".notice WHERE id IN (%s)),
		join(', ', @$heard)),
	"@loud", 'what is heard is the number of a notice of those kinds, and nothing else');
is_deeply(heard('"Zhou K"', "BEGIN; SELECT send_notice('a-li', 'assignment'); ROLLBACK;"), [], 'what is taken back is not heard');
is_deeply(heard('zhou', "SELECT send_notice('a-li', 'assignment');"), [], 'nor on another channel');

# The due run: one that has passed, one that is due, one that is not yet.
$heard = heard('"Zhou K"', q(SELECT * FROM due_run(3, '2025-03-11 07:00');));
is( $node->safe_psql('postgres', sprintf q(SELECT string_agg(n.kind || ' ' || d.petition, ', ' ORDER BY d.petition)
		FROM "Zhou K".notice n JOIN "Zhou K".deadline d ON d.id = n.deadline WHERE n.id IN (%s)), join(', ', @$heard)),
	'escalation 1, due 2', 'the due run is heard');
is_deeply(heard('"Zhou K"', q(SELECT * FROM due_run(3, '2025-03-11 19:00');)), [], 'and once');

# Whoever listens is told of notices that are not theirs, and cannot read them.
$heard = heard('"Zhou K"', "SELECT send_notice('a-wang', 'assignment'); SELECT send_notice('a-li', 'assignment');");
is(scalar(@$heard), 2, 'both are heard');
is( $node->safe_psql(
		'postgres',
		sprintf(q(SELECT string_agg(id::text, ' ') FROM "Zhou K".my_notices WHERE id IN (%s)), join(', ', @$heard)),
		extra_params => [ '-U', 'reader' ]),
	$heard->[1], 'one is read');

done_testing();
