# README shows SQL and what it prints.  Both are run here, so that it cannot
# say what is no longer so.
#
# Each ```sql block is run, all in one psql session of a fresh database, in
# their order; a ```text block that directly follows one is its whole output.
# Blocks of other kinds (```sh, ```ini) are not run.
#
#	prove -I … test/t/030_readme.pl			compares
#	README_WRITE=1 prove -I … 				writes the outputs into README.md
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub slurp
{
	my ($file) = @_;
	open my $in, '<:encoding(UTF-8)', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}

# What nobody can keep: blanks at the ends of lines, empty lines around.
sub trimmed
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\A\n+//;
	$text =~ s/\n+\z//;
	return $text;
}

my $readme = slurp('README.md');

# The blocks, with where the output of each stands, if it is shown.
my @blocks;
while ($readme =~ /^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/msg)
{
	push @blocks,
	  {
		sql => $1,
		shown => $2,
		from => $-[2],
		length => defined $2 ? length $2 : undef,
		line => 1 + (substr($readme, 0, $-[0]) =~ tr/\n//)
	  };
}
ok(scalar(@blocks) > 10, 'README has SQL to run');

my $node = PostgreSQL::Test::Cluster->new('readme');
# What README prints names the user; the tests may be run by any.
$ENV{PGUSER} = 'postgres';
$node->init(extra => [ '--encoding=UTF8', '--locale=C', '--username=postgres' ]);
$node->start;

# psql reads from its standard input, as somebody who types; a line of our own
# tells where a block's output ends.
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($script, $output) = ("$dir/readme.sql", "$dir/readme.out");
open my $out, '>:encoding(UTF-8)', $script or die "$script: $!";
# Which line of a PL/pgSQL function raised an error is no reader's concern.
print $out "SET client_min_messages = warning;\n\\set SHOW_CONTEXT never\n";
print $out "$_->{sql}\\echo -- end of block\n" foreach @blocks;
close $out or die "$script: $!";
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	local $ENV{LC_ALL} = 'C';
	is(system("psql -X -q <'$script' >'$output' 2>&1") >> 8, 0, 'psql came to the end');
}
my @outputs = split /^-- end of block\n/m, slurp($output), -1;
is(scalar(@outputs), @blocks + 1, 'each block was run');

foreach my $i (0 .. $#blocks)
{
	my ($block, $got) = ($blocks[$i], trimmed($outputs[$i]));

	if (defined $block->{shown})
	{
		is($got, trimmed($block->{shown}), "line $block->{line}: output is as shown")
		  unless $ENV{README_WRITE};
		$block->{got} = "$got\n";
	}
	else
	{
		unlike($got, qr/^(?:ERROR|FATAL|psql):/m, "line $block->{line}: runs without an error");
	}
}

if ($ENV{README_WRITE})
{
	# From the end, so that the positions stay right.
	foreach my $block (reverse grep { defined $_->{got} } @blocks)
	{
		substr($readme, $block->{from}, $block->{length}) = $block->{got};
	}
	open my $in, '>:encoding(UTF-8)', 'README.md' or die "README.md: $!";
	print $in $readme;
	close $in or die "README.md: $!";
}

$node->stop;
done_testing();
