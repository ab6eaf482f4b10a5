#!/usr/bin/perl
# Runs the benchmarks of this directory against the cluster that PGHOST names;
# test/cluster starts one for it ("make bench").
#
#   BENCH=name   only that one, or those, with blanks between
#   QUICK=1      a tenth of the rows and three rounds: a minute or so
#   GROWTH=1     govcase alone, from ten thousand to ten million rows: most of an hour
#   GROWTH=N     the same to N rows at most
#   CSV=file     where the figures go (test/bench/results.csv)
#
# A benchmark is NAME.sql, in sections that begin with a line "--@ ...":
#
#   --@ title WORDS           what is measured
#   --@ unit WORD ROWS QUICK  what a cost is of, how many of them, how many when QUICK
#   --@ unit WORD = QUERY     or: as many as the query says, once it is set up
#   --@ grow ROWS ROWS ...    the numbers of rows for GROWTH, if not 10^4 to 10^7
#   --@ flat                  its cost is not to grow at all, not even as log n does
#   --@ server NAME = VALUE   a setting of the server, for this benchmark
#   --@ bar EXPRESSION        of the sides' names, e.g. govcase / plain <= 1.1
#   --@ say EXPRESSION        a ratio that is stated and has no bar
#   --@ base NAME             it runs in a copy of a database that NAME.psql has filled,
#                             once for all that ask for it with as many rows
#   --@ setup                 what is done once
#   --@ parallel              it has workers, whose CPU time nobody tells
#   --@ cold                  each run in a session that has yet done nothing
#   --@ before SIDE           but this, unmeasured, before each run of that side
#   --@ run SIDE              what is measured
#   --@ size SIDE             a query whose figure is taken for the cost
#   --@ undo                  done after each run, unmeasured
#   --@ pgbench SIDE CLIENTS N what is measured is a run of this script by pgbench,
#                             for 3 seconds, or where QUICK N times for each client
#
# psql's variables: rows; quick; and beside, which is false where govcase runs
# alone, so that nothing need be made of what it is measured against.
#
# Sides are run in turn, A B C A B C ..., after a turn that does not count, and
# a ratio is taken in each turn, so that a machine which slows down does so for
# all.  Time is what psql waits for the server; CPU time is the backend's own.
#
# GROWTH=1 runs the sides whose names begin with govcase, and asks of each step
# from n rows to m that its cost, CPU time where that is known, beside that of a
# yardstick grows by no more than log m / log n, and by $ALLOWANCE for what else the
# machine does.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use IPC::Open2;
use List::Util qw(sum);
use POSIX qw(floor);

my $here = dirname(__FILE__);
my ($only, $quick, $growth) = map { $ENV{$_} } qw(BENCH QUICK GROWTH);
# Rounds at least; and at most, of a benchmark whose turns take less than $ENOUGH
# seconds together: on a machine that changes its pace, many short turns tell more
# than few long ones.
my ($rounds, $most_rounds) = $quick ? (3, 3) : (7, 31);
my $ENOUGH = 12;
my $ALLOWANCE = 1.25;
# Work of the server's that is the same whatever is measured: some 30 ms.  It keeps
# nothing in memory, which a backend that has had much before gets sooner.
my $YARDSTICK = 'SELECT count(md5(n::text)) FROM (SELECT generate_series(1, 60000) AS n) AS s;';
# A turn that takes longer, in seconds, needs none before it to fill caches.
my $LONG_TURN = 10;
my $csv_file = $ENV{CSV} || "$here/results.csv";
my ($met, $missed) = (0, 0);
my (@grown, @outgrown);
my %session;    # psql's handles, backend's pid, what it is used for
my %bases;      # databases to be copied, by what they were made of
my $made = 0;   # databases called bench

$| = 1;
$SIG{PIPE} = 'IGNORE';

sub fail { die "govcase: ", @_, "\n" }

# ---------------------------------------------------------------- psql

sub start_session
{
	my ($variables, $database, $purpose) = @_;
	end_session();
	my ($out, $in);
	my @set = map { ('-v', "$_=$variables->{$_}") } sort keys %$variables;
	my $psql = open2($out, $in, 'psql', '-X', '-q', '-A', '-t', '-d', $database, '-v',
		'ON_ERROR_STOP=1', @set);
	%session = (in => $in, out => $out, psql => $psql, purpose => $purpose);
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
	my ($in, $out, $purpose) = @session{qw(in out purpose)};
	my $answer = '';
	print $in $sql, "\n\\echo ==done\n";
	$in->flush;
	while (my $line = <$out>)
	{
		return $answer if $line eq "==done\n";
		$answer .= $line;
	}
	waitpid $session{psql}, 0;
	my $status = $? >> 8;
	%session = ();
	fail("psql ended with status $status, see above, over this of $purpose:\n$sql");
}

# Statements each of which has to succeed, in a session of their own.
sub command
{
	my ($database, @statements) = @_;
	system('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $database,
		map { ('-c', $_) } 'SET client_min_messages = warning', @statements) == 0
		or fail("psql failed, see above, over this:\n", join("\n", @statements));
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
		grow => [ 1e4, 1e5, 1e6, 1e7 ], before => {}, setup => '', undo => '');
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
		elsif ($what eq 'grow') { $bench{grow} = [ split ' ', $rest ]; }
		elsif ($what eq 'base') { $bench{base} = $rest; }
		elsif ($what =~ /^(cold|flat|parallel)$/) { $bench{$what} = 1; }
		elsif ($what eq 'server') { push @{ $bench{server} }, $rest; }
		elsif ($what eq 'bar' || $what eq 'say') { push @{ $bench{bars} }, $rest; }
		elsif ($what eq 'setup' || $what eq 'undo') { $text = \$bench{$what}; }
		elsif ($what eq 'before') { $text = \($bench{before}{$rest} = ''); }
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
	my $extent = $quick ? "-t $side->{times}" : '-T 3';
	my $seed = 100 + $round;
	my $answer = `pgbench -n -M prepared -c $side->{clients} -j 2 $extent --random-seed=$seed -D rows=$bench->{n} -f $file bench 2>&1`;
	unlink $file;
	fail("pgbench: $answer") if $answer =~ /abort|error|ERROR/;
	$answer =~ /^tps = ([0-9.]+) \((?:without initial|excluding)/m or fail("pgbench: $answer");
	return (1e6 / $1, undef);
}

# Microseconds that psql waits for statements, and CPU time.
sub timed
{
	my ($sql) = @_;
	my $before = cpu_time();
	my $answer = ask("\\timing on\n$sql\n\\timing off");
	my $after = cpu_time();
	my $time = 0;
	$time += $1 while $answer =~ /^Time: ([0-9.]+) ms/mg;
	return ($time * 1000, defined $before ? $after - $before : undef);
}

# Cost of one unit in microseconds, and in CPU time.
sub measure
{
	my ($bench, $side, $round) = @_;
	return run_pgbench($bench, $side, $round) if $side->{kind} eq 'pgbench';
	start_session($bench->{variables}, 'bench', $bench->{name}) if $bench->{cold};
	my $before_it = $bench->{before}{ $side->{name} };
	ask($before_it) if defined $before_it;
	if ($side->{kind} eq 'size')
	{
		(my $size = ask($side->{sql})) =~ s/\s//g;
		return ($size / $bench->{units}, undef);
	}
	my ($time, $cpu) = timed($side->{sql});
	ask($bench->{undo}) if $bench->{undo} =~ /\S/;
	return ($time / $bench->{units},
		defined $cpu && !$bench->{parallel} ? $cpu / $bench->{units} : undef);
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
		command('postgres', $reset ? "ALTER SYSTEM RESET $name" : "ALTER SYSTEM SET $setting");
	}
	command('postgres', 'SELECT pg_reload_conf()');
}

sub base_key
{
	my ($bench, $rows) = @_;
	return defined $bench->{base} ? "$bench->{base} $rows" : '';
}

# The database that a benchmark's is a copy of.
sub template
{
	my ($bench, $rows) = @_;
	my $key = base_key($bench, $rows) or return 'bench_template';
	if (!$bases{$key})
	{
		my $name = 'bench_base_' . (1 + keys %bases);
		command('postgres', "DROP DATABASE IF EXISTS $name", "CREATE DATABASE $name TEMPLATE bench_template");
		start_session($bench->{variables}, $name, "$bench->{base}.psql");
		ask("\\i :here/$bench->{base}.psql");
		end_session();
		$bases{$key} = $name;
	}
	return $bases{$key};
}

# Drops the databases that no benchmark to come is a copy of.
sub drop_bases
{
	return if $quick;
	my %wanted = map { $_ => 1 } @_;
	for my $key (grep { $bases{$_} && !$wanted{$_} } keys %bases)
	{
		command('postgres', "DROP DATABASE $bases{$key}");
		$bases{$key} = undef;    # so that its name is not given again
	}
}

sub set_up
{
	my ($bench, $rows) = @_;
	end_session();
	$bench->{n} = $rows;
	$bench->{variables} = { rows => $rows, here => $here, quick => $quick ? 1 : 0, beside => $growth ? 0 : 1 };
	my $template = template($bench, $rows);
	# Every DROP DATABASE waits for a checkpoint; a quick run leaves them to the end
	# of the cluster.
	my $drop = $quick && $made++ ? "ALTER DATABASE bench RENAME TO bench_$made" : 'DROP DATABASE IF EXISTS bench';
	command('postgres', $drop, "CREATE DATABASE bench TEMPLATE $template", $quick ? () : 'CHECKPOINT');
	set_server($bench, 0);
	start_session($bench->{variables}, 'bench', $bench->{name});
	ask($bench->{setup});
	$bench->{units} = $rows;
	if ($bench->{count}) { ($bench->{units} = ask("$bench->{count};")) =~ s/\s//g; }
}

sub run_benchmark
{
	my ($bench) = @_;
	my $started = time;
	my (%costs, %cpu, $turns);
	set_up($bench, $quick ? $bench->{quick} : $bench->{rows});
	printf "\n%s: %s\n", $bench->{name}, $bench->{title};
	my $began = time;
	for (my $round = 0; $round <= $rounds || $round <= $most_rounds && time - $began < $ENOUGH; $round++)
	{
		for my $side (@{ $bench->{sides} })
		{
			# Where sessions are new ones in each turn, a quick run does without the first.
			next if $round == 0 && ($side->{kind} eq 'size' || $quick && ($side->{kind} eq 'pgbench' || $bench->{cold}));
			# A size is the same in each.
			my ($time, $cpu) = $side->{kind} eq 'size' && $round > 1 ? $costs{ $side->{name} }[0] : measure($bench, $side, $round);
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
	$turns = @{ $costs{ $bench->{sides}[0]{name} } };
	for my $bar (@{ $bench->{bars} })
	{
		my ($expression, $way, $limit) = $bar =~ /^(.*?)\s*(?:(<=|>=)\s*(.*))?$/;
		my @ratios = map { my $round = $_; evaluate($expression, { map { $_ => $costs{$_}[$round] } keys %costs }) } 0 .. $turns - 1;
		my ($low, $high) = (sort { $a <=> $b } @ratios)[0, -1];
		my $middle = median(@ratios);
		my $cpu_middle;
		if (!grep { !defined } map { @$_ } values %cpu)
		{
			$cpu_middle = median(map { my $round = $_; evaluate($expression, { map { $_ => $cpu{$_}[$round] } keys %cpu }) } 0 .. $turns - 1);
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
	printf "   in %d s, %d rounds\n", time - $started, $turns;
}

# How fast the machine is just now: what work that never changes takes it.
sub yardstick
{
	my ($time, $cpu) = timed($YARDSTICK);
	return defined $cpu ? $cpu : $time;
}

# What a side costs at a number of rows: the median of as many turns as are made
# in a second, seven at most.  Beside time and CPU time, either in yardsticks of
# before and after the turn: a machine changes its pace from one second to the next.
sub measure_growth
{
	my ($bench, $side) = @_;
	if ($side->{kind} eq 'size')
	{
		my ($size) = measure($bench, $side, 0);
		return ($size, undef, $size);
	}
	my (@times, @cpu, @paced);
	my $spent = 0;
	for my $round (0 .. 7)
	{
		my $began = time;
		my @pace = yardstick();
		my ($time, $cpu) = measure($bench, $side, $round);
		my $is_long = time - $began > $LONG_TURN;
		# A long turn sees many a pace.
		push @pace, yardstick() for 1 .. ($is_long ? 10 : 1);
		my $pace = sum(@pace) / @pace;
		next if $round == 0 && !$is_long;    # caches are filled, plans made
		push @times, $time;
		push @cpu, $cpu if defined $cpu;
		push @paced, (defined $cpu ? $cpu : $time) / $pace;
		$spent += $time * $bench->{units};
		last if $is_long || $spent > 1e6 || $side->{kind} eq 'pgbench';
	}
	return (median(@times), @cpu ? median(@cpu) : undef, median(@paced));
}

# govcase alone, at each number of rows.
sub run_growth
{
	my ($bench) = @_;
	my $started = time;
	my (%last, %too_fast);
	printf "\n%s: %s\n", $bench->{name}, $bench->{title};
	my @sides = grep { $_->{name} =~ /^govcase/ } @{ $bench->{sides} };
	for my $rows (@{ $bench->{grow} })
	{
		set_up($bench, $rows);
		for my $side (@sides)
		{
			my $name = $side->{name};
			my ($time, $cpu, $cost) = measure_growth($bench, $side);
			my $what = $side->{kind} eq 'size' ? 'bytes' : 'us';
			my $step = '';
			if (my $from = $last{$name})
			{
				my $grown = $cost / $from->{cost};
				my $bound = $bench->{flat} ? 1 : log($rows) / log($from->{rows});
				$step = sprintf(', %s of that at %d (log n: %s)', figure($grown), $from->{rows}, figure($bound));
				push @{ $too_fast{$name} }, sprintf('%s from %d to %d rows where %s is allowed',
					figure($grown), $from->{rows}, $rows, figure($bound * $ALLOWANCE))
					if $grown > $bound * $ALLOWANCE;
			}
			printf "   %-12s %8d rows: %10s %s a %s%s%s\n", $name, $rows, figure($time), $what, $bench->{unit},
				defined $cpu ? ' (' . figure($cpu) . ' of CPU)' : '', $step;
			print_csv($bench->{name}, 'growth', $name, "$what a $bench->{unit} at $rows rows", $time, '', '', $cpu, '', '');
			$last{$name} = { rows => $rows, cost => $cost };
		}
		end_session();
		set_server($bench, 1);
	}
	for my $side (@sides)
	{
		my $reasons = $too_fast{ $side->{name} };
		my $name = $side->{name} eq 'govcase' ? $bench->{name} : "$bench->{name}, $side->{name}";
		push @grown, $name unless $reasons;
		push @outgrown, map { "$name: $_" } join('; ', @$reasons) if $reasons;
	}
	printf "   in %d s\n", time - $started;
}

# ---------------------------------------------------------------- all of them

my @files = $only ? map { "$here/$_.sql" } split ' ', $only : sort glob("$here/*.sql");
-f $_ or fail("there is no benchmark $_; there are: ", join(' ', map { basename($_, '.sql') } glob("$here/*.sql"))) for @files;
my @benchmarks = map { read_benchmark($_) } @files;
if ($growth)
{
	@benchmarks = grep { grep { $_->{name} =~ /^govcase/ } @{ $_->{sides} } } @benchmarks;
	@benchmarks or fail("$only has no side govcase, so there is nothing to grow");
	if ($growth > 1)
	{
		for my $bench (@benchmarks) { $bench->{grow} = [ grep { $_ <= $growth } @{ $bench->{grow} } ]; }
	}
}
# Those of one base come one after another.
my %first;
$first{ $_->{base} // $_->{name} } //= $_->{name} for @benchmarks;
@benchmarks = sort { $first{ $a->{base} // $a->{name} } cmp $first{ $b->{base} // $b->{name} } || $a->{name} cmp $b->{name} } @benchmarks;

command('postgres', 'DROP DATABASE IF EXISTS bench_template', 'CREATE DATABASE bench_template');
command('bench_template', 'CREATE EXTENSION govcase CASCADE');
unlink $csv_file;
print_csv(qw(benchmark what name unit median minimum maximum cpu bar verdict));

my $settings = `psql -X -q -A -t -d postgres -c "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'jit')"`;
my $version = `psql -X -q -A -t -d postgres -c "SELECT current_setting('server_version')"`;
my $processors = `getconf _NPROCESSORS_ONLN`;
chomp($settings, $version, $processors);
print "PostgreSQL $version, $processors processors; $settings\n";
if ($growth)
{
	print "govcase alone; this takes most of an hour and 30 GB of disk. Costs, in those of a yardstick, may grow as log n does, and by $ALLOWANCE at a step for noise.\n";
}
else
{
	print 'Each cost is the median of ', $quick ? 'only ' : '', $rounds, $quick ? '' : " to $most_rounds", " rounds, each ratio the median (lowest to highest) of the rounds' own",
		$quick ? ', on a tenth of the rows or less' : '', ".\n";
}

my $began = time;
while (my $bench = shift @benchmarks)
{
	$growth ? run_growth($bench) : run_benchmark($bench);
	drop_bases(map { my $to_come = $_; map { base_key($to_come, $_) } $growth ? @{ $to_come->{grow} } : $quick ? $to_come->{quick} : $to_come->{rows} } @benchmarks);
}
printf "\n%d s; the figures are in %s\n", time - $began, $csv_file;
if ($growth)
{
	print "$_\n" for @outgrown;
	printf "%d grow no faster than log n, %d do\n", scalar @grown, scalar @outgrown;
}
else
{
	print "$met met, $missed missed\n";
}
