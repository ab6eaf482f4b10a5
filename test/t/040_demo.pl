# The demonstration, with fewer disputes and a smaller city: it comes to its end,
# every dispute has kept the rules, and the same seed gives the same city.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

# Runs it in a database of its own; returns what it printed.
sub live
{
	my ($database, $seed, @size) = @_;
	my ($out, $err);
	@size = qw(-v handled=1100 -v transferred=60 -v open=200 -v grids=2001 -v villages=690 -v members=2600
	  -v matters=9000)
	  unless @size;
	push @size, qw(-v scale=full -v elements=15000) if $database eq 'city';

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	run_log(
		[
			'psql', '-X', '-q', '-d', $node->connstr($database),
			'-v', 'ON_ERROR_STOP=1', '-v', "seed=$seed",
			@size, '-f', 'test/demo/demo.sql'
		],
		'>', \$out, '2>', \$err);
	return ($out, $err);
}

# What the seed decides: all but the clock's times and what hangs on them.
sub digest
{
	my ($database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT md5(string_agg(l::text, '|' ORDER BY id, seq))
FROM (SELECT id, seq, happened_at, kind, actor, from_state, to_state, from_risk, to_risk,
		satisfied, note FROM zhoukou.follow_up) AS l;
SELECT md5(string_agg(d::text, '|' ORDER BY id)) FROM zhoukou.dispute AS d;
SELECT md5(string_agg(i::text, '|' ORDER BY id)) FROM zhoukou.incident AS i;
SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM (SELECT id, item, region, grid, member, state, reported_at,
		received_at, reason, dispute FROM zhoukou.matter) AS m;
SELECT md5(string_agg(p::text, '|' ORDER BY p.id, o.id) || string_agg(o::text, '|' ORDER BY p.id, o.id))
FROM zhoukou.petition AS p JOIN zhoukou.petition_person AS o ON o.petition = p.id;
SELECT md5(string_agg(m::text, '|' ORDER BY account)) FROM zhoukou.grid_member AS m;
SQL
}

my ($out, $err) = live('city', 7);

like($out, qr/10 counties, 207 townships, 372 departments/, 'counties, townships and departments');
like($out, qr/2001 grids of 690 villages.*2600 members.*338 items in 55 classes/s, 'villages, grids, members and items');
like($out, qr/, 0 broken/, 'every chain verifies');
like($out, qr/-27\.05%.*-34\.15%/s, 'the published changes');
like($out, qr/SQLSTATE VC001.*SQLSTATE VC002.*SQLSTATE VC005/s, 'three statements are refused');
is(scalar(() = $err =~ /ERROR:/g), 3, 'and no other') or diag $err;
like($err, qr/grid "\d{14}" overlaps grid "\d{14}"\n.*square metres.*\n.*HINT/, 'an overlap is told whole');

is($node->safe_psql('city', q{SELECT count(*) FILTER (WHERE govcase.is_resolved(state)),
		count(*) FILTER (WHERE govcase.is_handled(state)),
		count(*) FILTER (WHERE govcase.is_open(state)), count(*) FROM zhoukou.dispute}),
	'1040|1100|200|1300', 'so many are resolved, handled and open');

# The map: 2,001 grids and one that was split off, each county's as large as the
# county and no two that share more than a border.
is($node->safe_psql('city', <<'SQL'), '2002|2002|0|0|2003|2|t', 'grids, placements and history');
SELECT (SELECT count(*) FROM zhoukou.grid),
	(SELECT count(*) FROM zhoukou.grid_history WHERE upper_inf(valid)),
	(SELECT count(*) FROM zhoukou.dispute WHERE left(grid, 12) IS DISTINCT FROM place_region
		OR left(grid, 6) <> left(region, 6) OR grid_version IS NULL),
	(SELECT count(*) FROM zhoukou.incident WHERE left(grid, 12) IS DISTINCT FROM region OR grid_version IS NULL),
	(SELECT count(*) FROM zhoukou.grid_history), (SELECT count(*) FROM zhoukou.grid_history_lineage),
	(SELECT bool_and(abs(grids / county - 1) < 1e-9) FROM (
		SELECT ST_Area(boundary) AS county, (SELECT sum(ST_Area(g.boundary))
			FROM zhoukou.grid AS g WHERE left(g.code, 6) = left(r.code, 6)) AS grids
		FROM zhoukou.region AS r WHERE level = 2) AS a)
SQL
# Borders are shared point by point: each piece of one, but for those along a
# parallel, is in two grids, or in one and in the outline of a county.
is($node->safe_psql('city', <<'SQL'), 't|0', 'grids share their borders');
WITH side AS (
	SELECT level, ST_AsText(least(a, b)) || ST_AsText(greatest(a, b)) AS piece
	FROM (SELECT 5 AS level, boundary FROM zhoukou.grid UNION ALL SELECT level, boundary FROM zhoukou.region) AS area,
		LATERAL (SELECT geom AS a, lead(geom) OVER (ORDER BY path) AS b FROM ST_DumpPoints(boundary)) AS p
	WHERE ST_Y(a) <> ST_Y(b)
)
SELECT count(*) > 2000, count(*) FILTER (WHERE grids > 2 OR grids < 2 AND counties = 0) FROM (
	SELECT count(*) FILTER (WHERE level = 5) AS grids, count(*) FILTER (WHERE level = 2) AS counties FROM side GROUP BY piece) AS p
SQL

# The registry: everything is there, belongs together, and fits the duties.
is($node->safe_psql('city', <<'SQL'), '690|690|3|2600|690|2600|338|55|9000|15000|15', 'the tables are filled');
SELECT (SELECT count(*) FROM zhoukou.region WHERE level = 4),
	(SELECT count(DISTINCT region) FROM zhoukou.grid),
	(SELECT max(n) FROM (SELECT count(*) AS n FROM zhoukou.grid WHERE right(code, 2) <> '09' GROUP BY region) AS v),
	(SELECT count(DISTINCT account) FROM zhoukou.grid_member),
	(SELECT count(*) FROM zhoukou.grid_member WHERE full_time AND right(grid, 2) = '01'),
	(SELECT count(*) FROM zhoukou.account_duty AS d JOIN zhoukou.grid_member AS m USING (account)
		WHERE d.duty = 'member' AND d.region = left(m.grid, 12) AND right(m.grid, 2) <> '09'),
	(SELECT count(*) FROM zhoukou.item), (SELECT count(DISTINCT class) FROM zhoukou.item),
	(SELECT count(*) FROM zhoukou.matter), (SELECT count(*) FROM zhoukou.element),
	(SELECT count(DISTINCT source_department) FROM zhoukou.element)
SQL
is($node->safe_psql('city', <<'SQL'), 't|0|0|0|0', 'what members find is what they reported as matters');
SELECT count(*) FILTER (WHERE found_by IN ('patrol', 'sweep')) BETWEEN 400 AND 700,
	count(*) FILTER (WHERE (found_by IN ('patrol', 'sweep')) <> (m.id IS NOT NULL)),
	count(*) FILTER (WHERE m.state <> 'transferred' OR m.grid <> d.grid OR m.reported_at <> d.reported_at),
	count(*) FILTER (WHERE m.item <> d.item),
	(SELECT count(*) FROM zhoukou.matter AS m WHERE NOT EXISTS (SELECT FROM zhoukou.grid_member AS g
		WHERE g.account = m.member AND g.grid = m.grid AND left(g.grid, 12) = m.region))
FROM zhoukou.dispute AS d LEFT JOIN zhoukou.matter AS m ON m.dispute = d.id
SQL
is($node->safe_psql('city', <<'SQL'), '0|0|0|t', 'assignments add up, and cases are held where they may be');
SELECT (SELECT count(*) FROM zhoukou.dispute AS d WHERE open_work <> (SELECT count(*) FROM zhoukou.assignment AS a
		WHERE a.dispute = d.id AND a.state IN ('offered', 'accepted'))),
	(SELECT count(*) FROM zhoukou.misheld_disputes),
	(SELECT count(*) FROM zhoukou.follow_up AS l LEFT JOIN zhoukou.account AS a ON a.id = l.actor WHERE a.id IS NULL),
	(SELECT bool_or(repeat_of IS NOT NULL) AND bool_or(dispute IS NOT NULL) FROM zhoukou.petition)
SQL
like($out, qr/reports matter.*raises it to dispute 1301 .*accepts.*closes.*assessed +\S+ closed/s, 'one case goes through the functions');

# Rules of the policy in words of our own, over the links alone.
is($node->safe_psql('city', <<'SQL'), '', 'no red case went to blue without yellow, none closed without a look-back');
SELECT id, seq FROM (
	SELECT *, max(seq) FILTER (WHERE to_risk <> from_risk OR kind = 'registered')
			OVER (PARTITION BY id ORDER BY seq ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS risk_since,
		max(seq) FILTER (WHERE kind = 'look_back') OVER before AS look_back,
		max(seq) FILTER (WHERE kind = 'mediation') OVER before AS mediation
	FROM zhoukou.follow_up
	WINDOW before AS (PARTITION BY id ORDER BY seq)
) AS l
WHERE kind = 'transition' AND (
	from_risk = 'red' AND to_risk = 'blue'
	OR from_risk = 'red' AND to_risk = 'yellow' AND coalesce(mediation, 0) < risk_since
	OR to_state = 'closed' AND coalesce(look_back, 0) < risk_since)
SQL
is($node->safe_psql('city', <<'SQL'), 't|t|t|t|t', 'every turn is taken by some');
SELECT bool_or(from_state = 'closed' AND to_state = 'handling'),
	bool_or(from_state = 'transferred' AND to_state = 'handling'),
	bool_or(from_state = 'fed_back' AND to_state = 'handling'),
	bool_or(from_state = 'assessed' AND to_state = 'handling'),
	bool_or(from_risk = 'yellow' AND to_risk = 'red')
FROM zhoukou.follow_up
SQL

live('twin', 7);
is(digest('twin'), digest('city'), 'the same seed gives the same city');
live('other', 8);
isnt(digest('other'), digest('city'), 'another seed another one');

# The whole city takes a minute; README shows some of its board.
SKIP:
{
	skip 'PG_TEST_EXTRA does not name govcase_demo', 1
	  unless ($ENV{PG_TEST_EXTRA} // '') =~ /\bgovcase_demo\b/;

	my ($shown) = slurp_file('README.md') =~ /^```text\n(.*?)^```\n/ms;
	($out) = live('whole', 2021, qw(-v open=600));
	my @missing = grep { index($out, $_) < 0 } split /\n{2,}/, $shown;
	is("@missing", '', 'the board is as README shows it');
}

$node->stop;
done_testing();
