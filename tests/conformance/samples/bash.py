"""Bash."""

from tests.conformance.samples.sample import Samples

BASH = Samples(
    language="bash",
    prints="echo 'hello, world'",
    complains="echo test >&2",
    small="echo $((1+1))",
    assign="x=41",
    use="echo $((x + 1))",
    undefined="",
    mixes="echo out1; echo err1 >&2; echo out2",
    orders={"displays": "for n in 0 1 2 3 4; do echo out $n; era_text $n; done"},
    child="/bin/echo from a child",
    megabytes="seq -f '%079.0f' 0 124999",
    odd="printf 'é€😀\\0\\n'",
    long_line="head -c 1000000 /dev/zero | tr '\\0' x; echo",
    surrogate="text='\ud800'; echo ${#text}",
    fails="x=41\n\n(exit 127)",
    fails_as="127",
    fails_where="line 3",
    endless={
        "computing": "echo running; while :; do :; done",
        "sleeping": "echo running; sleep 600",
        "reading": "mkfifo /tmp/none.$$; echo running; cat /tmp/none.$$",
    },
    exits="echo bye; exit 3",
    outgrows="x=x; while :; do x=$x$x; done",
    bombs="b() { b | b & }; b; wait",
    random="echo $RANDOM-$RANDOM-$RANDOM $SRANDOM-$SRANDOM $(shuf -i 1-1000000000000 -n 1)",
    complete=("ls", "echo 'hello, world'", "f() { echo; }"),
    incomplete=("echo 'hello", "if true; then", "for i in 1 2 3; do"),
    invalid=("if then fi", "case x in esac )"),
    completes=(("ech", "echo"),),
    displays={"text/html": "era_html '<b>x</b>'", "text/latex": "era_latex '$x$'"},
    clears="era_clear_output",
)
