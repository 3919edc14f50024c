"""A toy in place of bwrap and all that runs in it: does what the files beside it say.

`ACCELERATOR` (kvm or tcg) beside this file holds what the next runs do, one word a line, the last one for ever:
`hello` greets as an agent does, `silent` never says a word, anything else is printed on stderr before the end.
`calls` gets a line for each run.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from pathlib import Path

HELLO = struct.pack(">IBII16s", 5 + 20 + 3, 1, 0, 1, b"n" * 16) + b"toy"


def main() -> None:
    here = Path(sys.argv[0]).parent
    argv = sys.argv[1:]
    accelerator = argv[argv.index("-accel") + 1].split(",")[0]
    with (here / "calls").open("a") as calls:
        calls.write(f"{accelerator} {os.getpid()}\n")
    script = here / accelerator
    lines = script.read_text().splitlines()
    if len(lines) > 1:
        script.write_text("\n".join(lines[1:]))
    match lines[0]:
        case "hello":
            time.sleep(0.2)
            os.write(1, HELLO[:7])
            time.sleep(0.05)
            os.write(1, HELLO[7:])
            time.sleep(60)
        case "silent":
            time.sleep(60)
        case text:
            os.write(2, f"{text}\n".encode())


main()
