package Era::Wire;

# Messages on two pipes: `u32 length (big-endian) · UTF-8 JSON object`.
use strict;
use warnings;

use Errno qw(EINTR);
use POSIX ();
use Time::HiRes ();
use Era::Json;

my $MAX_MESSAGE = 64 << 20;
my $PIECE = 65536;
my $F_DUPFD_CLOEXEC = 1030;
my $FIONREAD = 0x541B;      # Linux's
my $SETTLE_SECONDS = 0.2;
my $PAUSE = 0.00005;
my $HIGH = 100;
my $EXIT_HOST_GONE = 74;
my $EXIT_NO_MESSAGE = 76;

# Takes over fds 3 and 4: to high numbers, which no program started by a cell inherits.
sub new {
    my ($class) = @_;
    my $self = bless {buffer => '', queue => [], in => _moved(3, '<'), out => _moved(4, '>')}, $class;
    $SIG{PIPE} = 'IGNORE';
    return $self;
}

sub _moved {
    my ($fd, $mode) = @_;
    open my $low, "$mode&=", $fd or refuse("there is no pipe to the host on fd $fd");
    my $high = fcntl $low, $F_DUPFD_CLOEXEC, $HIGH or refuse("fd $fd cannot be moved: $!");
    open my $handle, "$mode&=", $high or refuse("fd $high cannot be opened: $!");
    binmode $handle;
    close $low;
    return $handle;
}

# Ends the driver with a word to the user.
sub refuse {
    my ($text) = @_;
    syswrite STDERR, "era driver: $text\n";
    POSIX::_exit($EXIT_NO_MESSAGE);
}

sub handle { return $_[0]{in} }

# The next message that is there, if any.
sub next_message { return shift @{$_[0]{queue}} }

# The answer to a question of this cell, if it is there.
sub reply_to {
    my ($self, $id) = @_;
    my ($found) = grep { $_->{type} eq 'input_reply' && $_->{id} eq $id } @{$self->{queue}};
    $self->{queue} = [grep { $_->{type} ne 'input_reply' } @{$self->{queue}}];
    return $found;
}

# Read once, from a pipe that has something; false at its end.
sub fill {
    my ($self) = @_;
    my $count = sysread $self->{in}, $self->{buffer}, $PIECE, length $self->{buffer};
    return $!{EINTR} ? 1 : 0 if !defined $count;
    return 0 if !$count;
    $self->_cut;
    return 1;
}

sub _cut {
    my ($self) = @_;
    while (length $self->{buffer} >= 4) {
        my $length = unpack 'N', $self->{buffer};
        refuse("the host announced a message of $length bytes") if $length > $MAX_MESSAGE;
        return if length $self->{buffer} < 4 + $length;
        my $text = substr $self->{buffer}, 4, $length;
        substr($self->{buffer}, 0, 4 + $length) = '';
        push @{$self->{queue}}, _decoded($text);
    }
}

sub _decoded {
    my ($text) = @_;
    my $message = eval { Era::Json::decode($text) };
    return $message
        if ref $message eq 'HASH' && defined $message->{type} && defined $message->{id} && ref $message->{content} eq 'HASH';
    refuse('the host sent a message that is none');
}

# Send one message, whole. False when it is too big to be sent.
sub send {
    my ($self, $type, $id, $content) = @_;
    my $text = Era::Json::encode({type => $type, id => $id, content => $content});
    return 0 if length $text > $MAX_MESSAGE;
    my $data = pack('N', length $text) . $text;
    my $sent = 0;
    while ($sent < length $data) {
        my $count = syswrite $self->{out}, $data, length($data) - $sent, $sent;
        if (defined $count) { $sent += $count }
        elsif (!$!{EINTR}) { POSIX::_exit($EXIT_HOST_GONE) }
    }
    return 1;
}

# Wait until the agent has read what was sent: it reads what cells print from other pipes, and would take what they print
# from now on for earlier.
sub settle {
    my ($self) = @_;
    my $deadline = Time::HiRes::time() + $SETTLE_SECONDS;
    my $count = pack 'i', 0;
    while (ioctl($self->{out}, $FIONREAD, $count) && unpack('i', $count) && Time::HiRes::time() < $deadline) {
        Time::HiRes::sleep($PAUSE);
    }
    return;
}

1;
