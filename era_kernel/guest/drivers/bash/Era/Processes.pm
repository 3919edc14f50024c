package Era::Processes;

# What else runs in the session's process group, as /proc tells it.
use strict;
use warnings;

my $BOMB = 100;
my $ROUNDS = 200;

# [pid, parent, group] of each process.
sub _all {
    opendir my $proc, '/proc' or return;
    my @found;
    for my $pid (grep { /\A\d+\z/ } readdir $proc) {
        open my $file, '<', "/proc/$pid/stat" or next;
        my $line = <$file> // next;
        # The name, in parentheses, may hold anything.
        push @found, [$pid, $1, $2] if $line =~ /.*\) [^Z] (\d+) (\d+) /s;
    }
    return @found;
}

sub children { my ($parent) = @_; return map { $_->[0] } grep { $_->[1] == $parent } _all() }

sub _others {
    my ($bash) = @_;
    my $group = getpgrp;
    return map { $_->[0] } grep { $_->[2] == $group && $_->[0] != $$ && $_->[0] != $bash } _all();
}

# After an interrupt: a fork bomb goes on by itself, in processes that bash started with SIGINT ignored. All are stopped
# before they are killed, as a free place is taken at once.
sub stop_bomb {
    my ($bash) = @_;
    my @others = _others($bash);
    return if @others < $BOMB;
    for (1 .. $ROUNDS) {
        kill 'STOP', @others;
        my %stopped = map { $_ => 1 } @others;
        @others = _others($bash);
        last if !grep { !$stopped{$_} } @others;
    }
    for (1 .. $ROUNDS) {
        kill 'KILL', @others;
        @others = _others($bash) or last;
    }
    return;
}

1;
