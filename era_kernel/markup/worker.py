"""`python -m era_kernel.markup.worker`: cleans what comes on stdin, answers on stdout, until stdin ends.

A request is a line `KIND LENGTH` and so many bytes of UTF-8; an answer is a line `LENGTH` and so many bytes, or the
line `-` for what cannot be shown. Hostile text can make a parser take minutes, gigabytes or its process down: this is
the process that does.
"""

from __future__ import annotations

import resource
import sys

from era_kernel.markup.kinds import Kind
from era_kernel.markup.rules import clean

MEMORY = 1 << 30
"""Bytes of address space."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    for line in source:
        kind, _, length = line.decode("ascii").partition(" ")
        html = clean(Kind(kind), source.read(int(length)).decode())
        if html is None:
            target.write(b"-\n")
        else:
            data = html.encode()
            target.write(b"%d\n" % len(data) + data)
        target.flush()


if __name__ == "__main__":
    main()
