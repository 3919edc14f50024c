package Era::Json;

# JSON, as perl-base has none. Strings are characters; what is to be a number, true or false is a reference to its text.
use strict;
use warnings;

my $MAX_DEPTH = 100;
my %ESCAPE = ('"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f", n => "\n", r => "\r", t => "\t");

# The value that a text (bytes of UTF-8) stands for; dies for what is no JSON.
sub decode {
    my ($text) = @_;
    utf8::decode($text) or die "no UTF-8\n";
    pos($text) = 0;
    my $value = _value(\$text, 0);
    $text =~ /\G\s*\z/gc or die "text after the message\n";
    return $value;
}

sub _value {
    my ($text, $depth) = @_;
    die "nested too deep\n" if $depth > $MAX_DEPTH;
    $$text =~ /\G\s+/gc;
    return _string($text) if $$text =~ /\G"/gc;
    return _object($text, $depth) if $$text =~ /\G\{\s*/gc;
    return _array($text, $depth) if $$text =~ /\G\[\s*/gc;
    return $1 + 0 if $$text =~ /\G(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/gc;
    return 1 if $$text =~ /\Gtrue/gc;
    return 0 if $$text =~ /\Gfalse/gc;
    return undef if $$text =~ /\Gnull/gc;
    die "no value\n";
}

# In pieces: a regular expression for the whole has a limit on repetitions.
sub _string {
    my ($text) = @_;
    my $found = '';
    while (1) {
        $found .= $1 if $$text =~ /\G([^"\\]+)/gc;
        return $found if $$text =~ /\G"/gc;
        if ($$text =~ /\G\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc) {
            $found .= chr(0x10000 + ((hex($1) - 0xD800) << 10) + hex($2) - 0xDC00);
        } elsif ($$text =~ /\G\\u([0-9a-fA-F]{4})/gc) {
            my $code = hex $1;
            $found .= $code >= 0xD800 && $code < 0xE000 ? "\x{FFFD}" : chr $code;    # half a pair is no text
        } elsif ($$text =~ m{\G\\(["\\/bfnrt])}gc) {
            $found .= $ESCAPE{$1};
        } else {
            die "a string without end\n";
        }
    }
}

sub _object {
    my ($text, $depth) = @_;
    my %object;
    return \%object if $$text =~ /\G\}/gc;
    while (1) {
        $$text =~ /\G\s*"/gc or die "no key\n";
        my $key = _string($text);
        $$text =~ /\G\s*:/gc or die "no value of a key\n";
        $object{$key} = _value($text, $depth + 1);
        next if $$text =~ /\G\s*,/gc;
        return \%object if $$text =~ /\G\s*\}/gc;
        die "an object without end\n";
    }
}

sub _array {
    my ($text, $depth) = @_;
    my @array;
    return \@array if $$text =~ /\G\]/gc;
    while (1) {
        push @array, _value($text, $depth + 1);
        next if $$text =~ /\G\s*,/gc;
        return \@array if $$text =~ /\G\s*\]/gc;
        die "an array without end\n";
    }
}

# The text of a value, as bytes of UTF-8.
sub encode {
    my $text = _encoded($_[0]);
    utf8::encode($text);
    return $text;
}

sub _encoded {
    my ($value) = @_;
    my $kind = ref $value;
    return 'null' if !defined $value;
    return _quoted($value) if !$kind;
    return $$value if $kind eq 'SCALAR';
    return '[' . join(',', map { _encoded($_) } @$value) . ']' if $kind eq 'ARRAY';
    return '{' . join(',', map { _quoted($_) . ':' . _encoded($value->{$_}) } sort keys %$value) . '}';
}

sub _quoted {
    my ($text) = @_;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\x00-\x1f\x7f])/sprintf '\\u%04x', ord $1/ge;
    $text =~ s/[\x{D800}-\x{DFFF}]/\x{FFFD}/g;
    return qq{"$text"};
}

1;
