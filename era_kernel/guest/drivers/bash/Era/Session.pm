package Era::Session;

# The driver's life: requests one after another, cells in the one bash.
use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(time);
use Era::Cell;
use Era::Editor;
use Era::Processes;
use Era::Shell;
use Era::Wire;

my $START_SECONDS = 60;
my $ASK_SECONDS = 10;
my $TICK = 0.1;            # how late the end of bash may be seen, as its signal can come just before a wait
my $AGAIN_SECONDS = 0.25;  # since an interrupt: it, or the report of the end, may have been lost
my $HARD_SECONDS = 0.6;    # since an interrupt: what ignores it is killed
my $LAST_SECONDS = 10;     # since an interrupt: bash itself is killed
my $SYNC_TRIES = 40;
my $EXIT_NO_MEMORY = 2;    # what bash ends with, and no trap is run

my %SERVE = (
    execute_request => \&_execute, complete_request => \&_complete, inspect_request => \&_inspect,
    is_complete_request => \&_is_complete, reseed => \&_reseed,
);

sub new {
    my ($class) = @_;
    my $wire = Era::Wire->new;
    my $self = bless {wire => $wire, cells => 0, seeded => 0, interrupts => 0}, $class;
    $SIG{INT} = sub { $self->{interrupts}++; $self->{unsynced} = 1 };
    $SIG{CHLD} = sub { };    # ends a wait
    return $self;
}

# A bash without any cell's variables; gives its version.
sub _start_bash {
    my ($self) = @_;
    my ($home) = $INC{'Era/Session.pm'} =~ m{(.*)/Era/}s;
    $self->{shell} = Era::Shell->new($home);
    @{$self}{qw(seeded exits resumes)} = (0, 0, 0);
    return $self->_report_of('ready', $START_SECONDS) // Era::Wire::refuse('bash does not start; is it in the image?');
}

# Serve until the end; gives the status to exit with.
sub serve {
    my ($self) = @_;
    my $version = $self->_start_bash =~ s/\(.*//r;
    $self->{wire}->send('ready', '', {language_version => $version, driver => 'bash'});
    while (1) {
        while (my $message = $self->{wire}->next_message) {
            my $serve = $SERVE{$message->{type}} or next;
            $self->_synchronize if $self->{unsynced};
            $self->_seed if !$self->{seeded};
            $self->$serve($message);
        }
        $self->_wait(5, 1);
        $self->_drop_reports;
        $self->_end if defined $self->{shell}->ended;
    }
}

# Wait for the host or for bash; ends the driver when the host is gone.
sub _wait {
    my ($self, $seconds) = @_;
    my ($wire, $shell) = @{$self}{qw(wire shell)};
    my $bits = '';
    vec($bits, fileno $_, 1) = 1 for $wire->handle, $shell->report;
    return if select($bits, undef, undef, $seconds) <= 0;
    $shell->fill if vec $bits, fileno $shell->report, 1;
    $self->_leave if vec($bits, fileno $wire->handle, 1) && !$wire->fill;
    return;
}

# The host has closed its end.
sub _leave {
    my ($self) = @_;
    kill 'KILL', $self->{shell}->pid, Era::Processes::children($self->{shell}->pid);
    $self->{shell}->remove_folder;
    POSIX::_exit(0);
}

# Bash has ended: so does the driver, in the same way.
sub _end {
    my ($self) = @_;
    my $status = $self->{shell}->ended;
    $self->{shell}->remove_folder;
    if (my $signal = $status & 0x7F) {
        $SIG{$_} = 'DEFAULT' for qw(INT PIPE);
        kill $signal, $$;
        POSIX::_exit(128 + $signal);
    }
    POSIX::_exit($status >> 8);
}

# The rest of the first report of this kind, undef when none came in time.
sub _report_of {
    my ($self, $kind, $seconds) = @_;
    my $deadline = time + $seconds;
    while (time < $deadline) {
        while (defined(my $line = $self->{shell}->next_line)) {
            return $1 if $line =~ /\A\Q$kind\E ?(.*)/s;
        }
        return undef if defined $self->{shell}->ended;
        $self->_wait($TICK);
    }
    return undef;
}

# After an interrupt: go on when bash, which loses a line to it, has taken it and is at its prompt.
sub _synchronize {
    my ($self) = @_;
    for my $try (1 .. $SYNC_TRIES) {
        $self->{unsynced} = 0;
        $self->{shell}->command("__era_tell 'here $try'");
        return if defined $self->_report_of("here $try", $AGAIN_SECONDS) && !$self->{unsynced};
        return if defined $self->{shell}->ended;
    }
    return;
}

# Reports while no cell runs: jobs of earlier cells show things.
sub _drop_reports {
    my ($self) = @_;
    while (defined(my $line = $self->{shell}->next_line)) { $self->_serve_report($line) }
    return;
}

# ---- cells

sub _execute {
    my ($self, $message) = @_;
    my $shell = $self->{shell};
    my $cell = $self->{cell} = Era::Cell->new(++$self->{cells}, $message);
    $shell->forget_shown;
    @{$self}{qw(interrupts done first asking)} = (0, 0, 0, 0);
    my $resumes = delete $self->{resumes};
    $cell->begin($shell, $resumes) or return $cell->fail($self->{wire}, 'OSError', "the cell cannot be handed over: $!", []);
    $self->{told} = 0;
    while (!$self->{done}) {
        $self->_wait($TICK);
        $self->_drop_reports;
        $self->_end_in_cell if !$self->{done} && defined $shell->ended;
        return if $self->{told};
        $self->_pass_answer if $self->{asking};
        $self->_insist if $self->{interrupts} && !$self->{done};
    }
    Era::Processes::stop_bomb($shell->pid) if $self->{interrupts};
    my ($status, @failure) = @{$self->{done}};
    $self->_evaluate($cell) if !$status && !$self->{interrupts};
    $cell->finish($self->{wire}, $self->{interrupts}, $status, \@failure);
    return;
}

sub _serve_report {
    my ($self, $line) = @_;
    my ($wire, $shell, $cell) = @{$self}{qw(wire shell cell)};
    return if !$cell;
    if ($line =~ m{\Aend (\d+) (\d+) (\d+) (\d+) (.*)}s) {
        $self->{done} ||= [$1, $3, $4, $5] if $2 == $cell->number;
    } elsif ($line =~ m{\Adisplay ([\w/+.-]+) (\S+)}) {
        $cell->show($wire, $shell, $1, $2);
        $wire->settle;
        $shell->shown;
    } elsif ($line =~ m{\Aask ([01]) (\S+)}) {
        $self->{asking} = $cell->ask($wire, $shell, $1, $2);
        $shell->shown('no answer') if !$self->{asking};
    } elsif ($line =~ /\Aclear (\w+)/) {
        $wire->send('clear_output', $cell->id, {wait => $1 eq 'wait' ? \'true' : \'false'});
        $wire->settle;
        $shell->shown;
    } elsif ($line =~ /\Aexit /) {
        $self->{exits} = 1;
    } elsif ($line =~ /\Arescue (\d+)/) {
        $self->{rescue} = $1;
    } elsif ($line eq 'resume') {
        $self->{resumes} = 1;
    }
    return;
}

# The answer of the notebook's user, when it has come.
sub _pass_answer {
    my ($self) = @_;
    my $outcome = $self->{cell}->answer($self->{wire}, $self->{shell}) // return;
    $self->{asking} = 0;
    $self->{shell}->shown($outcome);
    return;
}

# Bash has ended within a cell: its last reports, then the end of the driver, which the host tells of.
sub _end_in_cell {
    my ($self) = @_;
    $self->_wait(0);
    $self->_drop_reports;
    return if $self->{done};
    if (my $status = delete $self->{rescue}) {
        $self->_start_bash;
        $self->{shell}->restore;
        $self->{done} = [$status, 0, 0, '-'];
        return;
    }
    $self->_end if $self->{shell}->ended != $EXIT_NO_MEMORY << 8 || $self->{exits};
    # Nobody but us knows that it was for lack of memory: the driver stays, with another bash.
    $self->{shell}->remove_folder;
    $self->_start_bash;
    my $why = 'bash ended, most likely as it got no more memory. The next cell runs in a fresh bash.';
    $self->{cell}->fail($self->{wire}, 'MemoryError', $why, []);
    $self->{told} = 1;
    return;
}

# What an interrupt is followed by while the cell does not end.
sub _insist {
    my ($self) = @_;
    my $shell = $self->{shell};
    $self->{first} ||= time;
    my $since = time - $self->{first};
    if ($since > $LAST_SECONDS) {
        kill 'KILL', $shell->pid;
        return;
    }
    return if $since < $AGAIN_SECONDS;
    Era::Processes::stop_bomb($shell->pid);
    # Bash takes an interrupt for its own only when its child dies of it, so both get it at once; the child that does not
    # die of it is killed, and bash is met before it has the next.
    my @children = Era::Processes::children($shell->pid);
    kill 'INT', @children, $shell->pid;
    kill 'KILL', @children if $since > $HARD_SECONDS;
    $shell->command('__era_end 130');
    return;
}

# User expressions: what they print as commands of a subshell.
sub _evaluate {
    my ($self, $cell) = @_;
    for my $name (sort keys %{$cell->{expressions}}) {
        my $answer = $self->_ask('__era_evaluate ' . Era::Shell::quoted($cell->{expressions}{$name} // ''));
        my ($status, $text) = ($answer // '1') =~ /\A(\d+)\n?(.*)\z/s;
        $cell->{values}{$name} =
            $status
            ? {status => 'error', ename => 'ExitStatus', evalue => "$status", traceback => []}
            : {status => 'ok', data => {'text/plain' => $text}, metadata => {}};
    }
    return;
}

# ---- the editor's questions

# What a function of session.bash puts into the answer file, undef when it takes too long.
sub _ask {
    my ($self, $command) = @_;
    my $shell = $self->{shell};
    $command =~ tr/\n\0/  /;
    $shell->make_folder;
    $shell->command("$command </dev/null");
    if (!defined $self->_report_of('asked', $ASK_SECONDS)) {
        kill 'INT', $shell->pid;
        return undef;
    }
    my $answer = $shell->take($shell->folder . '/answer') // return undef;
    utf8::decode($answer);
    return $answer;
}

sub _complete {
    my ($self, $message) = @_;
    my ($code, $cursor) = @{$message->{content}}{qw(code cursor_pos)};
    $cursor = length $code if $cursor > length $code;
    my ($kind, $word, @plain) = Era::Editor::target(substr $code, 0, $cursor);
    my $command = join ' ', '__era_complete', $kind, map { Era::Shell::quoted($_) } @plain;
    my $answer = $kind eq 'command' && $word eq '' ? '' : $self->_ask($command);
    my %reply = (status => 'ok', metadata => {}, matches => Era::Editor::matches($answer // ''));
    $reply{cursor_start} = \($cursor - length $word);
    $reply{cursor_end} = \"$cursor";
    return $self->{wire}->send('complete_reply', $message->{id}, \%reply);
}

sub _inspect {
    my ($self, $message) = @_;
    my $word = Era::Editor::word_at(@{$message->{content}}{qw(code cursor_pos)});
    my $text = length $word ? $self->_ask('__era_inspect ' . Era::Shell::quoted($word)) // '' : '';
    my %reply = (status => 'ok', found => \'false', data => {}, metadata => {});
    @reply{qw(found data)} = (\'true', {'text/plain' => $text}) if $text =~ /\S/;
    return $self->{wire}->send('inspect_reply', $message->{id}, \%reply);
}

sub _is_complete {
    my ($self, $message) = @_;
    my ($status, $indent) = Era::Editor::completeness($message->{content}{code} // '');
    return $self->{wire}->send('is_complete_reply', $message->{id}, {status => $status, indent => $indent});
}

# ---- chance

# Sessions are clones of one machine or were started ahead: RANDOM begins anew with the first request.
sub _seed {
    my ($self) = @_;
    open my $random, '<', '/dev/urandom' or return;
    sysread $random, my $bytes, 4;
    $self->{shell}->command('RANDOM=' . unpack('N', $bytes));
    $self->{seeded} = 1;
    return;
}

sub _reseed {
    my ($self, $message) = @_;
    $self->_seed;
    return $self->{wire}->send('reseed_reply', $message->{id}, {});
}

1;
