#!/usr/bin/perl
# Runs the benchmarks of this directory against the cluster that PGHOST names;
# test/cluster starts one for it ("make bench").
#
#   BENCH=name   only that one        QUICK=1   a tenth of the rows
#   GROWTH=1     govcase alone at growing numbers of rows, one round each
#   CSV=file     where the figures go (test/bench/results.csv)
#
# A benchmark is NAME.sql, in sections that begin with a line "--@ ...":
#
#   --@ title WORDS           what is measured
#   --@ unit WORD ROWS QUICK  what a cost is of, how many of them, how many when QUICK
#   --@ unit WORD = QUERY     or: as many as the query says, once it is set up
#   --@ grow                  GROWTH=1 runs it too
#   --@ server NAME = VALUE   a setting of the server, for this benchmark
#   --@ bar EXPRESSION        of the sides' names, e.g. govcase / plain <= 1.1
#   --@ say EXPRESSION        a ratio that is stated and has no bar
#   --@ setup                 what is done once
#   --@ cold                  each run in a session that has yet done nothing
#   --@ run SIDE              what is measured
#   --@ size SIDE             a query whose figure is taken for the cost
#   --@ undo                  done after each run, unmeasured
#   --@ pgbench SIDE CLIENTS N what is measured is a run of this script by pgbench,
#                             for 4 seconds, or where QUICK N times for each client
#
# Sides are run in turn, A B C A B C ..., after a turn that does not count, and
# a ratio is taken in each turn, so that a machine which slows down does so for
# all.  Time is what psql waits for the server; CPU time is the backend's own.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use IPC::Open2;
use POSIX qw(floor);

my $here = dirname(__FILE__);
my ($only, $quick, $growth) = map { $ENV{$_} } qw(BENCH QUICK GROWTH);
my $rounds = $growth ? 1 : 7;
my $csv_file = $ENV{CSV} || "$here/results.csv";
my ($met, $missed) = (0, 0);
my %session;    # psql's handles, backend's pid

$| = 1;
$SIG{PIPE} = 'IGNORE';

sub fail { die "govcase: ", @_, "\n" }

# ---------------------------------------------------------------- psql

sub start_session
{
	my ($variables) = @_;
	end_session();
	my ($out, $in);
	my @set = map { ('-v', "$_=$variables->{$_}") } sort keys %$variables;
	my $psql = open2($out, $in, 'psql', '-X', '-q', '-A', '-t', '-d', 'bench', '-v',
		'ON_ERROR_STOP=1', @set);
	%session = (in => $in, out => $out, psql => $psql);
	(my $pid = ask("SET client_min_messages = warning;\nSET search_path = public, govcase;\n"
			. "SELECT pg_backend_pid();")) =~ s/\s//g;
	$session{backend} = $pid;
}

sub end_session
{
	return unless %session;
	close $session{in};
	my $out = $session{out};
	1 while <$out>;
	waitpid $session{psql}, 0;
	%session = ();
}

# Sends statements and returns what they answered, each line of it.
sub ask
{
	my ($sql) = @_;
	my ($in, $out) = @session{qw(in out)};
	my $answer = '';
	print $in $sql, "\n\\echo ==done\n";
	$in->flush;
	while (my $line = <$out>)
	{
		return $answer if $line eq "==done\n";
		$answer .= $line;
	}
	fail("psql ended over this:\n$sql");
}

# CPU time of the backend in microseconds; undefined where Linux does not say.
sub cpu_time
{
	open(my $file, '<', "/proc/$session{backend}/schedstat") or return undef;
	my ($nanoseconds) = split ' ', <$file>;
	return $nanoseconds / 1000;
}

# ---------------------------------------------------------------- a benchmark

sub read_benchmark
{
	my ($file) = @_;
	my %bench = (name => basename($file, '.sql'), bars => [], server => [], sides => [],
		setup => '', undo => '');
	my $text = \my $ignored;
	open(my $in, '<', $file) or fail("$file: $!");
	while (my $line = <$in>)
	{
		if ($line !~ /^--\@ (\w+) ?(.*)/) { $$text .= $line; next; }
		my ($what, $rest) = ($1, $2);
		if ($what eq 'title') { $bench{title} = $rest; }
		elsif ($what eq 'unit' && $rest =~ /^(\w+) = (.*)/) { @bench{qw(unit count)} = ($1, $2); }
		elsif ($what eq 'unit') { @bench{qw(unit rows quick)} = split ' ', $rest; }
		elsif ($what eq 'rows') { @bench{qw(rows quick)} = split ' ', $rest; }
		elsif ($what eq 'grow') { $bench{grow} = 1; }
		elsif ($what eq 'cold') { $bench{cold} = 1; }
		elsif ($what eq 'server') { push @{ $bench{server} }, $rest; }
		elsif ($what eq 'bar' || $what eq 'say') { push @{ $bench{bars} }, $rest; }
		elsif ($what eq 'setup' || $what eq 'undo') { $text = \$bench{$what}; }
		elsif ($what eq 'run' || $what eq 'size' || $what eq 'pgbench')
		{
			my ($name, $clients, $times) = split ' ', $rest;
			my $side = { name => $name, kind => $what, clients => $clients, times => $times, sql => '' };
			push @{ $bench{sides} }, $side;
			$text = \$side->{sql};
		}
		else { fail("$file: what is \"$what\"?"); }
	}
	return \%bench;
}

# Transactions of pgbench: microseconds for one.
sub run_pgbench
{
	my ($bench, $side, $round) = @_;
	my $file = "/tmp/govcase-bench-$$.sql";
	open(my $out, '>', $file) or fail("$file: $!");
	print $out $side->{sql};
	close $out;
	my $extent = $quick ? "-t $side->{times}" : '-T 4';
	my $seed = 100 + $round;
	my $answer = `pgbench -n -M prepared -c $side->{clients} -j 2 $extent --random-seed=$seed -D rows=$bench->{n} -f $file bench 2>&1`;
	unlink $file;
	fail("pgbench: $answer") if $answer =~ /abort|error|ERROR/;
	$answer =~ /^tps = ([0-9.]+) \((?:without initial|excluding)/m or fail("pgbench: $answer");
	return (1e6 / $1, undef);
}

# Cost of one unit in microseconds, and in CPU time.
sub measure
{
	my ($bench, $side, $round) = @_;
	return run_pgbench($bench, $side, $round) if $side->{kind} eq 'pgbench';
	if ($side->{kind} eq 'size')
	{
		(my $size = ask($side->{sql})) =~ s/\s//g;
		return ($size / $bench->{units}, undef);
	}
	if ($bench->{cold})
	{
		start_session($bench->{variables});
		ask($bench->{cold_setup}) if $bench->{cold_setup};
	}
	my $before = cpu_time();
	my $answer = ask("\\timing on\n$side->{sql}\n\\timing off");
	my $after = cpu_time();
	my $time = 0;
	$time += $1 while $answer =~ /^Time: ([0-9.]+) ms/mg;
	ask($bench->{undo}) if $bench->{undo} =~ /\S/;
	return ($time * 1000 / $bench->{units},
		defined $before ? ($after - $before) / $bench->{units} : undef);
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $half = $#sorted / 2;
	return ($sorted[floor($half)] + $sorted[$half + 0.5]) / 2;
}

# An expression of sides' names, with their costs in place of the names.
sub evaluate
{
	my ($expression, $cost) = @_;
	$expression =~ s/\b([a-z_]\w*)\b/defined $cost->{$1} ? "($cost->{$1})" : fail("no side is called \"$1\"")/ge;
	$expression =~ /^[-+*\/().0-9e\s]+$/ or fail("what is \"$expression\"?");
	my $value = eval $expression;
	return defined $value ? $value : fail("\"$expression\": $@");
}

sub figure
{
	my ($value) = @_;
	return '-' unless defined $value;
	return sprintf($value >= 100 ? '%.0f' : $value >= 10 ? '%.1f' : $value >= 0.1 ? '%.3f' : '%.4f', $value);
}

sub print_csv
{
	open(my $csv, '>>', $csv_file) or fail("$csv_file: $!");
	print $csv join(',', map { my $v = defined $_ ? $_ : ''; $v =~ s/"/""/g; $v =~ /[,"\n]/ ? "\"$v\"" : $v } @_), "\n";
}

sub set_server
{
	my ($bench, $reset) = @_;
	return unless @{ $bench->{server} };
	for my $setting (@{ $bench->{server} })
	{
		my ($name) = split ' ', $setting;
		system('psql', '-X', '-q', '-d', 'postgres', '-c',
			$reset ? "ALTER SYSTEM RESET $name" : "ALTER SYSTEM SET $setting") == 0 or exit 1;
	}
	system('psql', '-X', '-q', '-A', '-t', '-o', '/dev/null', '-d', 'postgres', '-c', 'SELECT pg_reload_conf()') == 0 or exit 1;
}

sub set_up
{
	my ($bench, $rows) = @_;
	end_session();
	system('psql', '-X', '-q', '-d', 'postgres', '-c', 'SET client_min_messages = warning',
		'-c', 'DROP DATABASE IF EXISTS bench', '-c', 'CREATE DATABASE bench TEMPLATE bench_template',
		'-c', 'CHECKPOINT') == 0 or exit 1;
	$bench->{n} = $rows;
	$bench->{variables} = { rows => $rows, here => $here, quick => $quick ? 1 : 0 };
	set_server($bench, 0);
	start_session($bench->{variables});
	ask($bench->{setup});
	$bench->{units} = $rows;
	if ($bench->{count}) { ($bench->{units} = ask("$bench->{count};")) =~ s/\s//g; }
}

sub run_benchmark
{
	my ($bench) = @_;
	my $started = time;
	my (%costs, %cpu);
	set_up($bench, $quick ? $bench->{quick} : $bench->{rows});
	printf "\n%s: %s\n", $bench->{name}, $bench->{title};
	for my $round (0 .. $rounds)
	{
		for my $side (@{ $bench->{sides} })
		{
			my ($time, $cpu) = measure($bench, $side, $round);
			next if $round == 0;    # caches are filled, plans made
			push @{ $costs{ $side->{name} } }, $time;
			push @{ $cpu{ $side->{name} } }, $cpu;
		}
	}
	for my $side (@{ $bench->{sides} })
	{
		my $name = $side->{name};
		my @cpu = grep { defined } @{ $cpu{$name} };
		my ($time, $own) = (median(@{ $costs{$name} }), @cpu ? median(@cpu) : undef);
		my $what = $side->{kind} eq 'size' ? 'bytes' : 'us';
		printf "   %-12s %10s %s a %s%s\n", $name, figure($time), $what, $bench->{unit},
			defined $own ? sprintf(' (%s of CPU)', figure($own)) : '';
		print_csv($bench->{name}, 'cost', $name, "$what a $bench->{unit}", $time, '', '', $own, '', '');
	}
	for my $bar (@{ $bench->{bars} })
	{
		my ($expression, $way, $limit) = $bar =~ /^(.*?)\s*(?:(<=|>=)\s*(.*))?$/;
		my @ratios = map { my $round = $_; evaluate($expression, { map { $_ => $costs{$_}[$round] } keys %costs }) } 0 .. $rounds - 1;
		my ($low, $high) = (sort { $a <=> $b } @ratios)[0, -1];
		my $middle = median(@ratios);
		my $cpu_middle;
		if (!grep { !defined } map { @$_ } values %cpu)
		{
			$cpu_middle = median(map { my $round = $_; evaluate($expression, { map { $_ => $cpu{$_}[$round] } keys %cpu }) } 0 .. $rounds - 1);
		}
		my $verdict = '';
		if ($way)
		{
			my $bound = evaluate($limit, {});
			my $is_met = $way eq '<=' ? $middle <= $bound : $middle >= $bound;
			$is_met ? $met++ : $missed++;
			$verdict = $is_met ? 'met' : 'missed';
		}
		printf "   %s: %s (%s to %s%s)%s\n", $expression, figure($middle), figure($low), figure($high),
			defined $cpu_middle ? ', by CPU ' . figure($cpu_middle) : '',
			$way ? " bar $way $limit: $verdict" : '';
		print_csv($bench->{name}, 'ratio', $expression, '', $middle, $low, $high, $cpu_middle, $way ? "$way $limit" : '', $verdict);
	}
	end_session();
	set_server($bench, 1);
	printf "   in %d s\n", time - $started;
}

# govcase alone, once at each number of rows.
sub run_growth
{
	my ($bench) = @_;
	printf "\n%s: %s\n", $bench->{name}, $bench->{title};
	for my $rows (1e4, 1e5, 1e6, 1e7)
	{
		set_up($bench, $rows);
		for my $side (grep { $_->{name} =~ /^govcase/ } @{ $bench->{sides} })
		{
			measure($bench, $side, 0);
			my ($time, $cpu) = measure($bench, $side, 1);
			printf "   %-12s %8d rows: %10s us a %s (%s of CPU)\n", $side->{name}, $rows, figure($time), $bench->{unit}, figure($cpu);
			print_csv($bench->{name}, 'growth', $side->{name}, "us a $bench->{unit} at $rows rows", $time, '', '', $cpu, '', '');
		}
		end_session();
		set_server($bench, 1);
	}
}

# ---------------------------------------------------------------- all of them

my @files = $only ? "$here/$only.sql" : sort glob("$here/*.sql");
-f $_ or fail("there is no benchmark $_; there are: ", join(' ', map { basename($_, '.sql') } glob("$here/*.sql"))) for @files;
my @benchmarks = grep { !$growth || $_->{grow} } map { read_benchmark($_) } @files;
@benchmarks or fail("$only does not grow");

system('psql', '-X', '-q', '-d', 'postgres', '-c', 'SET client_min_messages = warning',
	'-c', 'DROP DATABASE IF EXISTS bench_template', '-c', 'CREATE DATABASE bench_template') == 0 or exit 1;
system('psql', '-X', '-q', '-d', 'bench_template', '-c', 'SET client_min_messages = warning',
	'-c', 'CREATE EXTENSION govcase CASCADE') == 0 or exit 1;
unlink $csv_file;
print_csv(qw(benchmark what name unit median minimum maximum cpu bar verdict));

my $settings = `psql -X -q -A -t -d postgres -c "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'jit')"`;
my $version = `psql -X -q -A -t -d postgres -c "SELECT current_setting('server_version')"`;
my $processors = `getconf _NPROCESSORS_ONLN`;
chomp($settings, $version, $processors);
print "PostgreSQL $version, $processors processors; $settings\n";
print "Each cost is the median of $rounds rounds, each ratio the median (lowest to highest) of the rounds' own.\n" unless $growth;

my $began = time;
for my $bench (@benchmarks)
{
	$growth ? run_growth($bench) : run_benchmark($bench);
}
printf "\n%d s; the figures are in %s\n", time - $began, $csv_file;
print "$met met, $missed missed\n" unless $growth;
