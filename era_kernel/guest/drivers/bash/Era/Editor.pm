package Era::Editor;

# Completion, inspection and whether a cell is whole.
use strict;
use warnings;
no warnings 'exec';

use Time::HiRes ();

my $MOST = 500;
my $CHECK_SECONDS = 5;
my $WORD = qr/(?:\\.|[^\s;&|<>()`"'\\{}=])*/;
my $COMMAND = qr/(?:\A|[\n;&|(`{!]|(?<!\S)(?:then|do|else|elif|if|while|until|time|sudo|exec|command))\s*\z/;

my $NAMES = qr/(?:\A|[\n;&|(]|\b(?:then|do|else))\s*(?:export|unset|readonly|declare|typeset|local)\s(?:[^\n;&|]*\s)?\z/;

# What to complete in the text before the cursor: kind, word as it stands there until the cursor, word without its quoting,
# and the quote that it is in.
sub target {
    my ($text) = @_;
    my ($quote, $quoted) = _open_quote($text);
    return ('variable', $1, $1, '') if $quote ne q{'} && $text =~ /(?<!\\)\$\{?[#!]?([A-Za-z_]\w*|)\z/;
    return ('file', $quoted, $quoted, $quote) if $quote eq q{'};
    return ('file', $quoted, $quoted =~ s/\\(["\\\$`])/$1/gr, $quote) if $quote;
    my ($word) = $text =~ /((?:\$\{\w+\})?$WORD)\z/;
    my $before = substr $text, 0, length($text) - length $word;
    return (_kind($before, $word), $word, $word =~ s/\\(.)/$1/gr, '');
}

sub _kind {
    my ($before, $word) = @_;
    return 'variable' if $before =~ $NAMES && $word =~ /\A[A-Za-z_]\w*\z/;
    return 'setopt' if $before =~ /\bset\s+[-+]\w*o\s+\z/;
    return 'shopt' if $before =~ /\bshopt\s+-[a-z]+\s+(?:\w+\s+)*\z/;
    return 'signal' if $before =~ /\btrap\s[^\n]*\s\z/ && $word =~ /\A[A-Z]+\z/;
    return $before =~ $COMMAND ? 'command' : 'file';
}

# The quote that is open at the end of a text, and what has come in it; nothing of an earlier line.
sub _open_quote {
    my ($text) = @_;
    pos($text) = 0;
    my ($quote, $start) = ('', 0);
    while ($text =~ /\G(?:\\.|[^\\'"#]+|(?<!\S)#[^\n]*|(['"])|.)/gcs) {
        next if !defined $1;
        ($quote, $start) = ($1, pos $text);
        my $rest = $quote eq q{'} ? qr/\G[^']*'/ : qr/\G(?:\\.|[^"\\])*"/s;
        last if $text !~ /$rest/gc;
        $quote = '';
    }
    my $quoted = substr $text, $start;
    return ('', '') if $quote eq '"' && $quoted =~ /\$\([^)]*\z/;    # commands are no text
    return $quote && $quoted !~ /\n/ ? ($quote, $quoted) : ('', '');
}

# The matches of an answer, each once. Options and files of an empty command would be everything there is.
sub matches {
    my ($answer) = @_;
    my %seen;
    my @found = grep { length && !$seen{$_}++ } split /\n/, $answer;
    @found = sort @found;
    splice @found, $MOST if @found > $MOST;
    return \@found;
}

# The word that the cursor is in or behind.
sub word_at {
    my ($code, $cursor) = @_;
    $cursor = length $code if $cursor > length $code;
    my ($left) = substr($code, 0, $cursor) =~ /([\w.:+\/\[\]!-]*)\z/;
    my ($right) = substr($code, $cursor) =~ /\A([\w.:+\/\[\]!-]*)/;
    return "$left$right";
}

# status and indent of a cell, by `bash -n`.
sub completeness {
    my ($code) = @_;
    return ('incomplete', '') if $code =~ /(?<!\\)(?:\\\\)*\\\n?\z/;
    my $said = _checked($code);
    return ('unknown', '') if !defined $said;
    return ('complete', '') if $said !~ /\S/;
    return ('incomplete', $code =~ /(?:then|do|else|\{)\s*\z/ ? '  ' : '')
        if $said =~ /unexpected end of file|unexpected EOF while looking|delimited by end-of-file/;
    return $said =~ /syntax error|unexpected/ ? ('invalid', '') : ('complete', '');
}

# What is wrong with a cell that is no bash: line and words; nothing when it is bash.
sub syntax_error {
    my ($code) = @_;
    my $said = _checked($code) // '';
    return $said =~ /line (\d+): ((?:syntax error|unexpected EOF)[^\n]*)/ ? ($1, $2) : ();
}

# What `bash -n` complains about, undef when it cannot tell in time.
sub _checked {
    my ($code) = @_;
    utf8::encode($code);
    pipe my $to_read, my $to_bash or return undef;
    pipe my $from_bash, my $to_write or return undef;
    my $pid = fork // return undef;
    if (!$pid) { _check($to_read, $to_write) }
    close $to_read;
    close $to_write;
    # A pipe holds 64 KiB, and bash reads all before it complains much.
    my $writer = fork // return undef;
    if (!$writer) { close $from_bash; syswrite $to_bash, $code; POSIX::_exit(0) }
    close $to_bash;
    my $said = _read_until($from_bash, Time::HiRes::time() + $CHECK_SECONDS);
    kill 'KILL', $pid, $writer;
    waitpid $_, 0 for $pid, $writer;
    return $said;
}

sub _check {
    my ($input, $output) = @_;
    $SIG{$_} = 'DEFAULT' for qw(PIPE INT);
    open my $null, '>', '/dev/null';
    POSIX::dup2(fileno $input, 0);
    POSIX::dup2(fileno $null, 1);
    POSIX::dup2(fileno $output, 2);
    $ENV{LC_ALL} = 'C.UTF-8';
    $ENV{LANGUAGE} = 'C';
    exec 'bash', '--norc', '-O', 'extglob', '-n';
    POSIX::_exit(127);
}

sub _read_until {
    my ($handle, $deadline) = @_;
    my $said = '';
    while ((my $left = $deadline - Time::HiRes::time()) > 0) {
        vec(my $bits = '', fileno $handle, 1) = 1;
        next if select($bits, undef, undef, $left) <= 0;
        return $said if !sysread $handle, $said, 65536, length $said;
    }
    return undef;
}

1;
