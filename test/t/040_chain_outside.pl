# Chains leave the server and are verified by a program that shares no code with
# it: every byte counts, whatever the server's encoding and the key's type.  And
# many clients at once leave chains without a gap.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('chain');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

my $verifier = dirname(abs_path($0)) . '/../verify_chain.pl';
my $directory = PostgreSQL::Test::Utils::tempdir();

# What the verifier says of an export: its exit status, output and complaint.
sub verified
{
	my ($export) = @_;
	my $file = "$directory/export";
	PostgreSQL::Test::Utils::append_to_file($file, '') unless -e $file;
	open my $handle, '>:raw', $file or die "$file: $!";
	print $handle $export;
	close $handle;
	my ($out, $err);
	IPC::Run::run([ $^X, $verifier, $file ], '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

sub export
{
	my ($database, $table, $key) = @_;
	return $node->safe_psql($database,
		"SELECT line FROM govcase.export_chain('$table', $key) ORDER BY place") . "\n";
}

# A table of cases with a chain; each case gets notes, a transition, a redaction.
sub make_chains
{
	my ($database, $table, $key_definition, $key_columns, @keys) = @_;
	my $sql = "CREATE TABLE $table ($key_definition, state govcase.case_state NOT NULL, reason text,
			PRIMARY KEY ($key_columns));
		SELECT govcase.create_follow_ups('$table', '${table}_links');
		SELECT govcase.protect_cases('$table', 'matter', follow_ups => '${table}_links');";
	foreach my $key (@keys)
	{
		my $of_key = $key =~ /,/ ? "ROW($key)" : $key;
		$sql .= "INSERT INTO $table VALUES ($key, 'collected');
			INSERT INTO ${table}_links ($key_columns, kind, note, satisfied) VALUES
				($key, 'visit', 'to be erased', NULL), ($key, 'mediation', 'both sides came', true),
				($key, 'look_back', '', false);
			UPDATE $table SET state = 'assigned' WHERE ($key_columns) = ($key);
			SELECT govcase.redact('$table', $of_key, 2, 'asked for');";
	}
	$node->safe_psql($database, $sql);
}

$node->safe_psql('postgres', 'CREATE EXTENSION govcase CASCADE');

# Keys of every class ---------------------------------------------------------

my %of_class = (
	whole => [ 'a integer', 'a', '-7', '2147483647' ],
	small => [ 'a smallint', 'a', '-32768' ],
	big => [ 'a bigint', 'a', '-9223372036854775808' ],
	words => [ 'a text', 'a', "'one case'", "''" ],
	code => [ 'a varchar(20)', 'a', "'411602-7'" ],
	unique_id => [ 'a uuid', 'a', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid" ],
	day => [ 'a date', 'a', "date '1999-12-31'", "date 'infinity'" ],
	four => [
		'a integer, b text, c uuid, d date', 'a, b, c, d',
		"1, 'x', '00000000-0000-0000-0000-000000000000'::uuid, date '2024-02-29'"
	],);
foreach my $table (sort keys %of_class)
{
	my ($definition, $columns, @keys) = @{ $of_class{$table} };
	make_chains('postgres', $table, $definition, $columns, @keys);
	foreach my $key (@keys)
	{
		my ($status, $out, $err) =
		  verified(export('postgres', $table, $key =~ /,/ ? "ROW($key)" : $key));
		is($status, 0, "$table $key: the export verifies") or diag($out, $err);
		like($out, qr/: 6 links, 3 notes, 1 erased$/, "$table $key: its contents");
	}
}

# Every byte of an export -----------------------------------------------------

my $export = export('postgres', 'whole', -7);
my ($changed, $caught) = (0, 0);
my @lines = split /\n/, $export;
my $altered = '';
foreach my $n (0 .. $#lines)
{
	my @words = split / /, $lines[$n], -1;
	# The hexadecimal words of each line, one byte at a time.
	my $first = $words[0] eq 'genesis' ? 1 : 2;
	next if $words[0] !~ /^(genesis|link|note)$/;
	foreach my $w ($first .. $#words)
	{
		for (my $at = 0; $at < length($words[$w]); $at += 2)
		{
			my @other = @words;
			my $byte = hex(substr($words[$w], $at, 2)) ^ (1 << ($at / 2 % 8));
			substr($other[$w], $at, 2) = sprintf('%02x', $byte);
			my @copy = @lines;
			$copy[$n] = join ' ', @other;
			$altered .= join("\n", @copy) . "\n";
			$changed++;
		}
	}
}
my ($status, $out, $err) = verified($altered);
is($status, 1, 'altered exports are broken');
$caught = () = $out =~ /^BROKEN/mg;
is($caught, $changed, "each of the $changed altered bytes is found");
unlike($out, qr/^OK/m, 'and none passes');

# Links that go or change places.  The last one is missed for the erased note that
# it speaks of; other ends of a chain that go would leave no trace in an export.
my @links = grep { $lines[$_] =~ /^link/ } 0 .. $#lines;
foreach my $n (@links)
{
	my @copy = @lines;
	splice @copy, $n, 1;
	splice @copy, $n, 1 if $copy[$n] =~ /^note/;
	$copy[-1] = 'end ' . (@links - 1);
	($status, $out) = verified(join("\n", @copy) . "\n");
	my ($name) = $lines[$n] =~ /^(link \d+)/;
	is($status, 1, "$name is missing");
}
{
	my @copy = @lines;
	@copy[ $links[0], $links[1] ] = @copy[ $links[1], $links[0] ];
	($status, $out) = verified(join("\n", @copy) . "\n");
	is($status, 1, 'two links that changed places');

	@copy = grep { !/^note 3/ } @lines;
	($status, $out) = verified(join("\n", @copy) . "\n");
	is($status, 1, 'a note that is gone');
	like($out, qr/link 3: its note is gone, and no redaction says so/, 'is missed');
}

# What is no export.
foreach my $case (
	[ 'nothing', '' ],
	[ 'something else', "hello\n" ],
	[ 'another version', "govcase-chain 2\nend 0\n" ],
	[ 'no end', join("\n", @lines[ 0 .. $#lines - 1 ]) . "\n" ],
	[ 'a wrong count', join("\n", @lines[ 0 .. $#lines - 1 ], 'end 99') . "\n" ],
	[ 'no links', "govcase-chain 1\n$lines[1]\nend 0\n" ],
	[ 'half a byte', join("\n", @lines[ 0 .. 1 ], 'link 1 0 0', 'end 1') . "\n" ],
	[ 'a note of no link', join("\n", @lines[ 0 .. 1 ], 'note 1 00 00', 'end 1') . "\n" ])
{
	($status, $out, $err) = verified($case->[1]);
	is($status, 2, "$case->[0] is no export");
	like($err, qr/^verify_chain\.pl: line /, "$case->[0]: and it says where");
}
($status) = verified($export . $export);
is($status, 0, 'two exports one after the other');

# A chain changed behind its triggers is exported as it is, and found.
$node->safe_psql('postgres', q(SET session_replication_role = replica;
	UPDATE whole_links SET actor = 'somebody else' WHERE a = 2147483647 AND seq = 3));
($status, $out) = verified(export('postgres', 'whole', 2147483647));
is($status, 1, 'a changed link');
like($out, qr/link 3: its hash is not that of its bytes/, 'is named');

# Encodings -------------------------------------------------------------------

# U+5165 U+6237 U+8D70 U+8BBF, "a visit to the home", in each encoding.
my %home_visit = (UTF8 => 'e585a5e688b7e8b5b0e8aebf', EUC_CN => 'c8ebbba7d7dfb7c3');
foreach my $encoding (sort keys %home_visit)
{
	my $database = lc "in_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding'
		TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION govcase CASCADE');
	make_chains($database, 'dispute', 'a text', 'a', "'case'");
	$node->safe_psql($database, "INSERT INTO dispute_links (a, kind, note, actor)
		SELECT 'case', 'visit', t, t FROM convert_from('\\x$home_visit{$encoding}', '$encoding') AS t");
	my $chinese = export($database, 'dispute', "'case'");
	($status, $out, $err) = verified($chinese);
	is($status, 0, "a chain in $encoding verifies") or diag($out, $err);
	like($chinese, qr/^note 7 [0-9a-f]{32} $home_visit{UTF8}$/m, "its note leaves $encoding as UTF-8");
	like($chinese, qr/^link 7 [0-9a-f]*010000000c$home_visit{UTF8}/m, 'and so does its actor');
	is($node->safe_psql($database, "SELECT count(*) FROM govcase.verify_chain('dispute')"),
		'0', "and it verifies inside");
}

# SQL_ASCII does not say what its bytes stand for.
$node->safe_psql('postgres', q(CREATE DATABASE ascii ENCODING 'SQL_ASCII'
	TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'));
$node->safe_psql('ascii', 'CREATE EXTENSION govcase CASCADE');
make_chains('ascii', 'dispute', 'a text', 'a', "'case'");
($status) = verified(export('ascii', 'dispute', "'case'"));
is($status, 0, 'ASCII in SQL_ASCII is what it is');
my ($ret, $stdout, $stderr) = $node->psql('ascii',
	"\\set VERBOSITY verbose\nINSERT INTO dispute_links (a, kind, note) VALUES ('case', 'visit', E'\\xe5\\x85\\xa5')");
like($stderr, qr/22021: .*text on a follow-up chain must be ASCII/, 'and anything else is refused');
is($node->safe_psql('ascii', 'SELECT max(seq) FROM dispute_links'), '6', 'without a trace');

# Many clients ----------------------------------------------------------------

$node->safe_psql('postgres', q(
	CREATE TABLE busy (id integer PRIMARY KEY, state govcase.case_state NOT NULL, reason text);
	SELECT govcase.create_follow_ups('busy', 'busy_links');
	SELECT govcase.protect_cases('busy', 'matter', follow_ups => 'busy_links');
	INSERT INTO busy SELECT n, 'collected' FROM generate_series(1, 3) n;));
my $script = "$directory/append.sql";
PostgreSQL::Test::Utils::append_to_file($script, q(
\set id random(1, 3)
INSERT INTO busy_links (id, kind, note) VALUES (:id, 'visit', 'client ' || :client_id), (:id, 'note', NULL);
));
$node->command_ok(
	[
		'pgbench', '-n', '-c', '6', '-j', '2', '-t', '50', '-f', $script, '-h', $node->host,
		'-p', $node->port, 'postgres'
	],
	'six clients append to three cases');
is( $node->safe_psql('postgres',
		'SELECT sum(n), bool_and(n = last) FROM (SELECT count(*) AS n, max(seq) AS last FROM busy_links GROUP BY id) l'),
	'603|t',
	'every link is there, numbered without a gap');
is($node->safe_psql('postgres', q(SELECT count(*) FROM govcase.verify_chain('busy'))),
	'0', 'and the chains verify');
foreach my $id (1 .. 3)
{
	($status) = verified(export('postgres', 'busy', $id));
	is($status, 0, "outside too: case $id");
}

$node->stop;
done_testing();
