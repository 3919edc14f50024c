"""`python -m tests.contract.userns COMMAND…`: run it with root's powers over a user namespace only.

That is where a plain user's krunvm runs, by `buildah unshare`. All ids are mapped to themselves; needs root.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000


def main(command: list[str]) -> int:
    ready, tell_ready = os.pipe()
    mapped, tell_mapped = os.pipe()
    child = os.fork()
    if child == 0:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
            os._exit(99)
        os.write(tell_ready, b"x")
        os.read(mapped, 1)
        os.setgid(0)
        os.setuid(0)
        os.execvp(command[0], command)
    os.read(ready, 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text("0 0 65536\n")
    os.write(tell_mapped, b"x")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
