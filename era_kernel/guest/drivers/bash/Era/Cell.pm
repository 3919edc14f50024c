package Era::Cell;

# One cell: what it runs as, and the messages that it gives.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Era::Editor;
use Era::Json;
use Era::Shell;

my $SYNTAX = 2;    # what bash gives for a cell that is no bash
my $BINARY = qr{\Aimage/(?!svg)};

sub new {
    my ($class, $number, $message) = @_;
    my $content = $message->{content};
    return bless {
        number => $number, id => $message->{id}, count => $content->{execution_count} // 0,
        code => $content->{code} // '', expressions => $content->{user_expressions} || {},
        asks => $content->{allow_stdin} || 0,
    }, $class;
}

sub id { return $_[0]{id} }
sub number { return $_[0]{number} }

# What follows a cell, whose options and traps are not for it; an interrupt may have lost the first of the two.
my $LEAVE = '{ __era_status=$? __era_options=$- PS1= PS2= PROMPT_COMMAND=; builtin set +xv; } >/dev/null 2>&1';
my $END = '{ __era_status=${__era_status:-$?} __era_options=${__era_options:-$-} PS1= PS2= PROMPT_COMMAND=; builtin set +xv; '
    . 'builtin trap - DEBUG; builtin set -o errtrace; } >/dev/null 2>&1; __era_end $__era_status';

# What the prompt is given: an interrupt loses the rest of its line, and no more. Bash names the file of what is no bash,
# so it has the name by which front ends show the cell.
sub begin {
    my ($self, $shell, $resumes) = @_;
    my $first = $resumes ? 'builtin eval "$__era_resume"; ' : '';
    my $file = $shell->file("In[$self->{count}]", "$first$self->{code}\n") or return 0;
    $self->{file} = $file;
    $shell->command("__era_cell=$self->{number} __era_status= __era_options= __era_failed= __era_quiet=");
    $shell->command('. ' . Era::Shell::quoted($file) . qq{ <"\$__era_stdin"; $LEAVE});
    $shell->command($END);
    return 1;
}

# `read` asks the notebook's user; the answer goes where the prompt came from. Whether anybody can be asked.
sub ask {
    my ($self, $wire, $shell, $is_password, $path) = @_;
    my $prompt = _text($shell->take($path) // '');
    $self->{asked} = $path;
    my %question = (prompt => $prompt, password => $is_password ? \'true' : \'false');
    return $self->{asks} && $wire->send('input_request', $self->{id}, \%question);
}

# The word that ends the wait of the cell that asked, once there is an answer; undef as long as there is none.
sub answer {
    my ($self, $wire, $shell) = @_;
    my $reply = $wire->reply_to($self->{id}) // return undef;
    my $value = $reply->{content}{value};
    my ($name) = $self->{asked} =~ m{([^/]+)\z};
    return defined $value && $shell->file($name, "$value\n") ? 'answered' : 'no answer';
}

# What a cell shows, as it reports it.
sub show {
    my ($self, $wire, $shell, $mime, $path) = @_;
    my $data = $shell->take($path);
    return if !defined $data;
    my $value = $mime =~ $BINARY ? encode_base64($data, '') : _text($data);
    if ($mime eq 'application/json') {
        eval { Era::Json::decode($data); 1 } or return _complain('what a cell shows as JSON is no JSON');
        my $json = $value;
        $value = \$json;    # as it is
    }
    my %data = ('text/plain' => "<$mime>", $mime => $value);
    $wire->send('display_data', $self->{id}, {data => \%data, metadata => {}, transient => {}})
        or _complain('more than 64 MiB cannot be shown');
    return;
}

sub _complain { syswrite STDERR, "era driver: $_[0]\n"; return }

sub _text {
    my ($data) = @_;
    utf8::decode($data);    # what is no UTF-8 stays as Latin 1
    return $data;
}

# The end of a cell by a report: `status cell failed-status failed-line failed-file`.
sub finish {
    my ($self, $wire, $interrupted, $status, $failure) = @_;
    return $self->fail($wire, 'KeyboardInterrupt', '', []) if $interrupted;
    my ($of, $line, $file) = @$failure;
    # `set -e`, which throws bash to its prompt, leaves the status with the failure alone.
    $status = $of if $status == 130 && $of;
    return $self->succeed($wire) if !$status;
    my ($wrong, $words) = $status == $SYNTAX ? Era::Editor::syntax_error($self->{code}) : ();
    return $self->fail($wire, 'SyntaxError', $words, $self->_place($wrong, $self->{file})) if $wrong;
    return $self->fail($wire, 'ExitStatus', $status, $of == $status ? $self->_place($line, $file) : []);
}

sub _place {
    my ($self, $line, $file) = @_;
    return [] if $file ne $self->{file};
    my $source = (split /\n/, $self->{code})[$line - 1] // '';
    return ["  Cell In[$self->{count}], line $line", "    $source"];
}

sub succeed {
    my ($self, $wire) = @_;
    my $values = $self->{values} || {};
    return $wire->send('execute_reply', $self->{id}, {status => 'ok', user_expressions => $values});
}

sub fail {
    my ($self, $wire, $ename, $evalue, $place) = @_;
    my $last = length $evalue ? "$ename: $evalue" : $ename;
    my %error = (ename => $ename, evalue => "$evalue", traceback => [@$place, $last]);
    $wire->send('error', $self->{id}, \%error);
    return $wire->send('execute_reply', $self->{id}, {status => 'error', %error, user_expressions => {}});
}

1;
