"""The cells that each language has to have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Samples:
    """Cells of one language, and what they must give.

    `assign` puts 41 into a variable and `use` gives 42 by it, shown as `42`. `fails` raises `fails_as` on its line 3,
    after which the traceback has `fails_where`. `endless`: cells that print `running` and then go on for ever, by what
    they do. `asks` asks for a name and prints `hello NAME`. `completes`: (text before the cursor, the whole text that a
    match makes of it), after `assign`. `random`: a cell that prints words, none of which two sessions may share.
    `outgrows` takes all memory.
    """

    language: str
    prints: str  # 'hello, world' and a newline on stdout
    complains: str  # something on stderr
    assign: str
    use: str
    small: str  # gives or prints 2
    undefined: str  # what `use` is called by once the variable is gone: part of the error
    mixes: str  # out1, err1 (stderr), out2: a line each
    orders: dict[str, str]  # by what alternates: `streams`, `displays`; see test_languages.py
    holds: str  # prints an empty line, `%era list` and a newline, out of a string that goes over lines
    child: str  # a subprocess prints 'from a child'
    megabytes: str  # 125,000 lines of their number, 79 digits wide
    odd: str  # prints é€😀, a NUL, and a newline
    long_line: str  # a million x and a newline
    surrogate: str  # a cell with a lone surrogate in a string
    fails: str
    fails_as: str
    fails_where: str
    endless: dict[str, str]
    exits: str  # with status 3, after printing bye
    outgrows: str
    bombs: str  # a fork bomb
    random: str
    eats: str = ""  # a program that the cell starts takes all memory
    asks: str = ""  # empty: the language's users have no such thing
    complete: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    completes: tuple[tuple[str, str], ...] = ()
    inspects: str = ""
    inspected: str = ""  # in the text of it
    looks: str = "x"  # the name of what `assign` made, inspected
    results: tuple[tuple[str, str], ...] = ()
    displays: dict[str, str] = field(default_factory=dict)  # by the MIME type that the front end gets
    shows: dict[str, str] = field(default_factory=dict)  # by the MIME type that the cell shows something as
    clears: str = ""
