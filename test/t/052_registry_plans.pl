# At 300,000 disputes, as many of what belongs to them, 200,000 matters and
# 1,000,000 elements each kind of account finds what it works on through an
# index: by key, as a list, by what belongs to a case, and by the searches.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plans');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
autovacuum = off
max_wal_size = 4GB
maintenance_work_mem = 256MB
CONF
$node->start;

# Rows are stored past all triggers, and indexes built after them: what is asked
# here is how they are found.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION govcase CASCADE;
CREATE ROLE pool;
CALL govcase.create_registry('city');
SET search_path = city, govcase, public;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city');
INSERT INTO region SELECT format('4116%s000000', c), format('4116%s999999', c), 2, '411600000000', 'county'
FROM generate_series(11, 20) c;
INSERT INTO region SELECT format('4116%s0%s000', c, t), format('4116%s0%s999', c, t), 3, format('4116%s000000', c), 'township'
FROM generate_series(11, 20) c, generate_series(11, 30) t;
INSERT INTO region SELECT format('4116%s0%s00%s', c, t, v), format('4116%s0%s00%s', c, t, v), 4, format('4116%s0%s000', c, t), 'village'
FROM generate_series(11, 20) c, generate_series(11, 30) t, generate_series(1, 9) v;
INSERT INTO department (name, region) SELECT 'department ' || n, '411600000000' FROM generate_series(1, 200) n;
INSERT INTO item_class VALUES ('class', 'governance', 'class');
INSERT INTO item SELECT 'item ' || n, 'class', 'item', 'yellow', n FROM generate_series(1, 200) n;
INSERT INTO account SELECT unnest(ARRAY['city', 'county', 'township', 'two townships', 'department']);
INSERT INTO account SELECT 'member ' || n FROM generate_series(0, 1799) n;
INSERT INTO account_duty (account, duty, region, department) VALUES
	('city', 'leader', '411600000000', NULL), ('county', 'centre', '411611000000', NULL),
	('township', 'member', '411611011000', NULL),
	('two townships', 'centre', '411611011000', NULL), ('two townships', 'inspector', '411619013000', NULL),
	('department', 'officer', NULL, 7);
INSERT INTO account_login VALUES ('pool', 'vouched', NULL);
CALL admit('pool', 'member'); CALL admit('pool', 'officer'); CALL admit('pool', 'centre');

SET session_replication_role = replica;
CREATE TEMP TABLE dropped AS
SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
WHERE i.indrelid = ANY (ARRAY['dispute', 'dispute_detail', 'follow_up', 'assignment', 'matter', 'element']::regclass[])
	AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid);
SELECT format('DROP INDEX %s', string_agg(name::text, ', ')) FROM dropped \gexec
CREATE TEMP TABLE village AS SELECT code, row_number() OVER (ORDER BY md5(code)) - 1 AS n FROM region WHERE level = 4;
INSERT INTO dispute (region, place_region, risk, found_by, departments, responsible, state)
SELECT v.code, v.code, 'yellow', 'sweep', ARRAY[i % 200 + 1], 'member ' || v.n,
	(CASE WHEN i % 10 = 0 THEN 'handling' ELSE 'closed' END)::case_state
FROM generate_series(1, 300000) i JOIN village v ON v.n = i * 7 % 1800;
INSERT INTO dispute_detail (dispute, title, place)
SELECT i, 'title', ST_SetSRID(ST_MakePoint(114 + i % 1000 / 1000.0, 33 + i / 1000 % 1000 / 1000.0), 4490)
FROM generate_series(1, 300000) i;
INSERT INTO follow_up (id, seq, happened_at, recorded_at, recorded_in, kind, actor, db_user, prev_hash, hash)
SELECT i, 1, now(), now(), 1, 'visit', 'member', 'pool', '', '' FROM generate_series(1, 300000) i;
INSERT INTO assignment (dispute, department, leads, state, answer_by, ended_at)
SELECT i, i % 200 + 1, true, CASE WHEN i % 10 = 0 THEN 'offered' ELSE 'done' END, now(), CASE WHEN i % 10 > 0 THEN now() END
FROM generate_series(1, 300000) i;
INSERT INTO matter (id, item, region, member, reported_at, state)
SELECT gen_random_uuid(), 'item ' || i % 200 + 1, v.code, 'member ' || v.n, now(), 'closed'
FROM generate_series(1, 200000) i JOIN village v ON v.n = i * 7 % 1800;
INSERT INTO element (source_department, source_key, kind, region, tags)
SELECT 1, to_char(i, 'FM0000000'), 'place', v.code, ARRAY['tag ' || i % 1000]
FROM generate_series(1, 1000000) i JOIN village v ON v.n = i * 7 % 1800 ORDER BY 2;
SELECT definition FROM dropped \gexec
ANALYZE;

CREATE SCHEMA tools;
GRANT USAGE ON SCHEMA tools TO pool;
-- The tables that a plan reads whole, and the indexes that it uses.
CREATE FUNCTION tools.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN (SELECT concat_ws(' ', string_agg(DISTINCT 'whole:' || (n ->> 'Relation Name'), ' ')
				FILTER (WHERE n ->> 'Node Type' = 'Seq Scan'),
			string_agg(DISTINCT n ->> 'Index Name', ' '))
		FROM jsonb_path_query(plan, '$.** ? (@."Node Type" != null)') n);
END
$$;
SQL

my $setup = q(SET search_path = city, govcase, public; SET SESSION AUTHORIZATION pool;);

# What is asked, and the indexes that have to serve it.  What else a plan reads,
# such as a short list, is its own affair.
my @queries = (
	[ 'a dispute by its key', 'SELECT * FROM dispute WHERE id = 7', 'dispute_pkey' ],
	[ 'the list', 'SELECT * FROM dispute', 'dispute_region_idx', 'dispute_departments_idx' ],
	[ 'counts of the list', 'SELECT * FROM board', 'dispute_region_idx', 'dispute_departments_idx' ],
	[ 'open ones of the list', 'SELECT * FROM dispute WHERE is_open(state)', 'dispute_region_idx', 'dispute_departments_idx' ],
	[ 'my cases', 'SELECT * FROM my_cases', 'dispute_region_idx', 'dispute_departments_idx' ],
	[ 'a detail', 'SELECT * FROM dispute_detail WHERE dispute = 7', 'dispute_detail_pkey', 'dispute_pkey' ],
	[ 'a chain', 'SELECT * FROM follow_up WHERE id = 7', 'follow_up_pkey', 'dispute_pkey' ],
	[ 'assignments', 'SELECT * FROM assignment WHERE dispute = 7', 'assignment_dispute_idx', 'dispute_pkey' ],
	[   'offers to a department', q(SELECT * FROM assignment WHERE department = 7 AND state = 'offered'),
		'assignment_department_state_idx' ],
	[   'details of open cases', q(SELECT p.* FROM dispute d JOIN dispute_detail p ON p.dispute = d.id WHERE d.state = 'handling'),
		'dispute_region_idx', 'dispute_departments_idx', 'dispute_detail_pkey' ],
	[ 'late work', 'SELECT * FROM late_work', 'assignment_done_by_idx' ],
	[ 'a dispute to be changed', 'UPDATE dispute SET difficult = true WHERE id = 7', 'dispute_pkey' ],
	[   'a detail to be changed', q(UPDATE dispute_detail SET title = 'x' WHERE dispute = 7),
		'dispute_detail_pkey', 'dispute_pkey' ],
	[ 'matters', 'SELECT * FROM matter', 'matter_region_idx', 'matter_member_idx', 'matter_item_idx' ],
	[ 'elements', 'SELECT * FROM element', 'element_region_idx' ],
	[   'an element by its key', q(SELECT * FROM element WHERE source_department = 1 AND source_key = '0000007'),
		'element_pkey' ]);

# What an account sees, as a condition without policies, and how many disputes: of
# 1800 villages each has 166 or 167, and of 200 departments each 1500.
my %truth = (
	'city' => [ 'true', 'true' ],
	'county' => [ q(region LIKE '411611%'), q(region LIKE '411611%') ],
	'township' => [ q(region LIKE '411611011%'), q(region LIKE '411611011%') ],
	'two townships' => [ (q(region LIKE '411611011%' OR region LIKE '411619013%')) x 2 ],
	'department' => [ q(departments = '{7}'), 'false' ]);
my %disputes = ('city' => 300000, 'county' => [ 29880, 30060 ], 'township' => [ 1494, 1503 ],
	'two townships' => [ 2988, 3006 ], 'department' => 1500);

for my $account ('city', 'county', 'township', 'two townships', 'department')
{
	my $as = "$setup SET govcase.account = '$account';";
	my @plans = split /\n/, $node->safe_psql('postgres', $as . join '', map { "SELECT tools.plan(\$\$$_->[1]\$\$);" } @queries);
	is(scalar @plans, scalar @queries, "$account: a plan for each query");
	for (@queries)
	{
		my ($what, $query, @indexes) = @$_;
		my $plan = shift @plans;
		unlike($plan, qr/whole:(dispute|element|follow_up|assignment|matter)/, "$account: $what: no table of cases is read whole");
		like($plan, qr/\b$_\b/, "$account: $what: through $_") for @indexes;
	}
	my ($of_disputes, $of_elements) = @{ $truth{$account} };
	my $seen = $node->safe_psql('postgres', "$as SELECT (SELECT count(*) FROM dispute), (SELECT count(*) FROM element)");
	is($seen, $node->safe_psql('postgres', "SELECT (SELECT count(*) FROM city.dispute WHERE $of_disputes), "
				. "(SELECT count(*) FROM city.element WHERE $of_elements)"),
		"$account: sees what it should");
	my ($least, $most) = ref $disputes{$account} ? @{ $disputes{$account} } : ($disputes{$account}) x 2;
	my ($count) = split /\|/, $seen;
	ok($count >= $least && $count <= $most, "$account: so many disputes");
}

# What the searches run inside is told by auto_explain.
my ($status, $out, $err) = $node->psql('postgres', q(LOAD 'auto_explain'));
SKIP:
{
	skip 'auto_explain is not installed', 1 if $status != 0;
	my $explain = q(LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
		SET auto_explain.log_level = 'notice';);
	for my $account ('city', 'county', 'township', 'two townships', 'department')
	{
		for ([ 'find_elements', q(SELECT count(*) FROM find_elements('{tag 0}', '411600000000')),
				qr/Scan (on|using) element_(tags|region)_idx/ ],
			[ 'find_near', q(SELECT count(*) FROM find_near(ST_SetSRID(ST_MakePoint(114.65, 33.12), 4490), 500)),
				qr/Scan (on|using) dispute_detail_place_idx/ ])
		{
			my ($what, $query, $index) = @$_;
			my ($failed, $rows, $plans) = $node->psql('postgres', "$explain $setup SET govcase.account = '$account'; $query");
			is($failed, 0, "$account: $what") or diag $plans;
			like($plans, $index, "$account: $what: through the index");
			unlike($plans, qr/Seq Scan on (element|dispute)/, "$account: $what: no table of cases is read whole");
		}
	}
}

done_testing();
