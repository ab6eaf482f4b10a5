#!/usr/bin/perl
#
# verify_chain.pl: verify exported follow-up chains outside the server
#
# Usage: psql -AtXc "SELECT line FROM govcase.export_chain('cases', 42)" | perl verify_chain.pl
#        perl verify_chain.pl FILE …
#
# Reads what govcase.export_chain() gives, any number of chains one after the
# other, and recomputes everything from the bytes: SHA-256 of each link, its
# number, its tie to the link before and to the genesis, the digest of each note.
# Needs nothing but Perl's own Digest::SHA.  Prints a line for each chain and for
# each fault.  Exit status: 0 all chains are whole, 1 some are broken, 2 the
# input is no export.
#
use strict;
use warnings;
use Digest::SHA qw(sha256);

# Fields of a link after its key.  The layout is version 1 of the bytes.
my @after_key = qw(seq happened_at recorded_at recorded_in kind actor db_user
  from_state to_state from_risk to_risk policy version chain_set target_seq
  satisfied note_digest);

my %key_length = (int => 8, uuid => 16, date => 8);
my $broken = 0;

sub malformed
{
	my ($message) = @_;
	print STDERR "verify_chain.pl: line $.: $message\n";
	exit 2;
}

# Split bytes behind their tag into fields; undef where they are no fields.
sub fields
{
	my ($bytes, $tag) = @_;
	my @fields;
	my $at = 1;

	return undef if length($bytes) < 1 || ord($bytes) != $tag;
	while ($at < length($bytes))
	{
		my $mark = ord(substr($bytes, $at++, 1));
		if ($mark == 0)
		{
			push @fields, undef;
			next;
		}
		return undef if $mark != 1 || $at + 4 > length($bytes);
		my $length = unpack('N', substr($bytes, $at, 4));
		$at += 4;
		return undef if $at + $length > length($bytes);
		push @fields, substr($bytes, $at, $length);
		$at += $length;
	}
	return \@fields;
}

sub field
{
	my ($bytes) = @_;
	return pack('C', 1) . pack('N', length($bytes)) . $bytes;
}

sub integer
{
	my ($bytes) = @_;
	return undef if !defined($bytes) || length($bytes) != 8;
	return unpack('q>', $bytes);
}

# The key as the bytes hold it and for people; undef where it is none.
sub key
{
	my (@parts) = @_;
	my @values;
	my $bytes = '';

	return undef if @parts < 2 || @parts % 2 != 0 || @parts > 8;
	while (my ($class, $value) = splice(@parts, 0, 2))
	{
		return undef if !defined($class) || !defined($value);
		return undef
		  if $class ne 'text'
		  && (!exists $key_length{$class} || length($value) != $key_length{$class});
		$bytes .= field($class) . field($value);
		push @values,
		    $class eq 'text' ? $value
		  : $class eq 'uuid' ? unpack('H*', $value)
		  : $class eq 'date' ? "day " . integer($value)
		  :                    integer($value);
	}
	return { bytes => $bytes, text => join(', ', @values) };
}

sub hex_bytes
{
	my ($hex) = @_;
	malformed("'$hex' is not hexadecimal") if $hex !~ /^(?:[0-9a-f]{2})*$/;
	return pack('H*', $hex);
}

# Faults of one chain: { genesis, links => [ { seq, bytes, hash, note } ] }.
sub verify
{
	my ($chain) = @_;
	my @faults;
	my @gone;
	my @redactions;
	my $notes = 0;
	my $key;
	my $before;

	my $genesis = fields($chain->{genesis}, 2);
	my $chain_set = defined $genesis ? shift @$genesis : undef;
	$key = key(@$genesis) if defined $genesis;
	push @faults, "the genesis is none"
	  if !defined $key || !defined $chain_set || length($chain_set) != 16;

	my $number = 0;
	foreach my $link (@{ $chain->{links} })
	{
		$number++;
		my $name = "link $link->{seq}";
		push @faults, "$name: its hash is not that of its bytes"
		  if sha256($link->{bytes}) ne $link->{hash};

		my $fields = fields($link->{bytes}, 0);
		if (!defined $fields || @$fields < 1 + 2 + @after_key)
		{
			push @faults, "$name: its bytes are no link";
			$before = $link;
			next;
		}
		my @values = splice(@$fields, -@after_key);
		my %is;
		@is{@after_key} = @values;
		my $previous = shift @$fields;
		my $own_key = key(@$fields);

		push @faults, "$name: it is of another case"
		  if defined $key && (!defined $own_key || $own_key->{bytes} ne $key->{bytes});
		push @faults, "$name: its number is not $number"
		  if !defined integer($is{seq})
		  || integer($is{seq}) != $number
		  || $link->{seq} != $number;
		push @faults, "$name: it does not follow the link before"
		  if !defined $previous
		  || $previous ne (defined $before ? $before->{hash} : sha256($chain->{genesis}));
		if (!defined $before)
		{
			push @faults, "$name: a chain begins with a registration"
			  if ($is{kind} // '') ne 'registered';
			push @faults, "$name: it has another chain set than the genesis"
			  if ($is{chain_set} // '') ne ($chain_set // '');
		}

		if (defined $link->{note})
		{
			$notes++;
			push @faults, "$name: its note is not the one that was appended"
			  if !defined $is{note_digest}
			  || $is{note_digest} ne
			  sha256("\x03" . field($link->{salt}) . field($link->{note}));
		}
		elsif (defined $is{note_digest})
		{
			push @gone, $number;
		}
		push @redactions, { seq => $number, target => integer($is{target_seq}) }
		  if ($is{kind} // '') eq 'redaction';
		$before = $link;
	}

	foreach my $seq (@gone)
	{
		push @faults, "link $seq: its note is gone, and no redaction says so"
		  if !grep { $_->{seq} > $seq && ($_->{target} // $seq) == $seq } @redactions;
	}

	my $who = defined $key ? "case $key->{text}" : 'unknown case';
	if (@faults)
	{
		print "BROKEN $who\n";
		print "  $_\n" foreach @faults;
		$broken = 1;
	}
	else
	{
		printf "OK %s: %d links, %d notes, %d erased\n", $who, $number, $notes,
		  scalar(@gone);
	}
}

my $chain;
my $seen = 0;
while (my $line = <>)
{
	$line =~ s/\r?\n\z//;
	next if $line eq '' && !defined $chain;
	if ($line eq 'govcase-chain 1')
	{
		malformed("the chain before has no end") if defined $chain;
		$chain = { links => [] };
	}
	elsif (!defined $chain)
	{
		malformed("this is no export of version 1");
	}
	elsif ($line =~ /^genesis (\S+)$/)
	{
		$chain->{genesis} = hex_bytes($1);
	}
	elsif ($line =~ /^link (-?[0-9]+) (\S+) (\S+)$/)
	{
		push @{ $chain->{links} },
		  { seq => $1, bytes => hex_bytes($2), hash => hex_bytes($3) };
	}
	elsif ($line =~ /^note (-?[0-9]+) (\S+) (\S*)$/)
	{
		my $link = $chain->{links}[-1];
		malformed("this note belongs to no link")
		  if !defined $link || $link->{seq} != $1 || defined $link->{note};
		$link->{salt} = hex_bytes($2);
		$link->{note} = hex_bytes($3);
	}
	elsif ($line =~ /^end ([0-9]+)$/)
	{
		malformed("a chain has a genesis and links")
		  if !defined $chain->{genesis} || !@{ $chain->{links} };
		malformed("$1 links were exported, and there are " . scalar(@{ $chain->{links} }))
		  if $1 != @{ $chain->{links} };
		verify($chain);
		$chain = undef;
		$seen++;
	}
	else
	{
		malformed("this line is of no kind that an export has");
	}
}
malformed("the last chain has no end") if defined $chain;
malformed("there is no chain") if !$seen;
exit $broken;
