package Era::Shell;

# The session's bash. It reads command lines from its fd 0, and is interactive: that is the mode in which an interrupt
# throws bash back to its prompt, variables and all. Cells have another fd 0.
use strict;
use warnings;
no warnings 'exec';    # it fails where there is no bash

use Errno qw(EINTR);
use Fcntl;
use POSIX qw(WNOHANG);

my $FOLDERS = $ENV{TMPDIR} && -w $ENV{TMPDIR} ? $ENV{TMPDIR} : '/tmp';

sub new {
    my ($class, $home) = @_;
    my $self = bless {home => $home, lines => '', folder => "$FOLDERS/.era-bash-$$"}, $class;
    $self->make_folder;
    pipe $self->{report}, $self->{report_end} or die "pipe: $!\n";
    pipe $self->{shown_end}, $self->{shown} or die "pipe: $!\n";
    pipe my $commands, $self->{commands} or die "pipe: $!\n";
    for my $handle ($self->{shown_end}, $self->{shown}) { fcntl $handle, F_SETFL, O_NONBLOCK }
    $self->{commands}->autoflush(1);
    $self->_start($commands);
    close $commands;
    $self->_prepare;
    return $self;
}

# Where cells and what they show are handed over; a cell may have emptied /tmp. The stdin of cells is empty, and known from
# any other by its place.
sub make_folder {
    my ($self) = @_;
    mkdir $self->{folder}, 0700;
    open my $empty, '>', "$self->{folder}/stdin";
    return;
}

sub folder { return $_[0]{folder} }
sub pid { return $_[0]{pid} }
sub report { return $_[0]{report} }

sub _start {
    my ($self, $commands) = @_;
    my $pid = fork;
    die "fork: $!\n" if !defined $pid;
    if ($pid) { $self->{pid} = $pid; return }
    $SIG{$_} = 'DEFAULT' for qw(INT PIPE CHLD);
    # Bash complains about the missing terminal when it starts.
    POSIX::dup2(2, 9);
    open my $null, '>', '/dev/null';
    POSIX::dup2(fileno $null, 2);
    POSIX::dup2(fileno $commands, 0);
    $ENV{PS1} = $ENV{PS2} = '';
    exec 'bash', '--noprofile', '--norc', '--noediting', '-i';
    POSIX::_exit(127);
}

sub _prepare {
    my ($self) = @_;
    my %variables = (
        __era_driver => $$, __era_folder => $self->{folder},
        __era_report => fileno $self->{report_end}, __era_shown => fileno $self->{shown_end},
        __era_stdin => "$self->{folder}/stdin",
    );
    $self->command(join ' ', map { "$_=" . quoted($variables{$_}) } sort keys %variables);
    $self->command('exec 2>&9 9>&-; . ' . quoted("$self->{home}/session.bash") . ' </dev/null');
    $self->command('__era_cell=0 __era_failed=; __era_tell "ready $BASH_VERSION"');
}

# What an earlier bash has left in its folder: variables, functions, aliases, options.
sub restore {
    my ($self) = @_;
    $self->command('. ' . quoted("$self->{folder}/state") . ' </dev/null >/dev/null 2>&1');
    return;
}

sub quoted {
    my ($text) = @_;
    $text =~ s/'/'\\''/g;
    return "'$text'";
}

# One line for bash's prompt, in characters.
sub command {
    my ($self, $line) = @_;
    utf8::encode($line);
    my $sent = 0;
    $line .= "\n";
    while ($sent < length $line) {
        my $count = syswrite $self->{commands}, $line, length($line) - $sent, $sent;
        if (defined $count) { $sent += $count }
        elsif (!$!{EINTR}) { return 0 }
    }
    return 1;
}

# A file in the folder with this text (characters).
sub file {
    my ($self, $name, $text) = @_;
    utf8::encode($text);
    $self->make_folder;
    open my $file, '>', "$self->{folder}/$name" or return undef;
    print {$file} $text;
    close $file or return undef;
    return "$self->{folder}/$name";
}

# The bytes of a file in the folder, which is gone then.
sub take {
    my ($self, $path) = @_;
    return undef if $path !~ m{\A\Q$self->{folder}\E/[\w-]+\z};
    open my $file, '<', $path or return undef;
    binmode $file;
    local $/ = undef;
    my $data = <$file>;
    close $file;
    unlink $path;
    return $data;
}

# Read what bash reports, once.
sub fill {
    my ($self) = @_;
    sysread $self->{report}, $self->{lines}, 65536, length $self->{lines};
    return;
}

# The next whole line of its reports, if any.
sub next_line {
    my ($self) = @_;
    return $self->{lines} =~ s/\A([^\n]*)\n// ? $1 : undef;
}

# What a cell showed is on its way, or what it asked has this outcome: it may go on.
sub shown { syswrite $_[0]{shown}, ($_[1] // '') . "\n"; return }

# Words for cells that never read them, gone.
sub forget_shown { sysread $_[0]{shown_end}, my $words, 4096; return }

# The status that bash ended with as waitpid gives it, undef while it lives.
sub ended {
    my ($self) = @_;
    return $self->{status} if defined $self->{status};
    return undef if waitpid($self->{pid}, WNOHANG) != $self->{pid};
    return $self->{status} = $?;
}

sub remove_folder {
    my ($self) = @_;
    opendir my $folder, $self->{folder} or return;
    unlink map { "$self->{folder}/$_" } grep { !/\A\.\.?\z/ } readdir $folder;
    rmdir $self->{folder};
    return;
}

1;
