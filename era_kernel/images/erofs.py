"""`python -m era_kernel.images.erofs CONTAINER TARGET`: the root of a buildah container as an EROFS file.

A program of its own, because for a plain user mounting works only inside `buildah unshare`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from era_kernel import process
from era_kernel.errors import EraError, ImageError

MOUNT = 120.0
MAKE = 1800.0
UUID = "00000000-0000-4000-8000-000000000000"


def mkfs_command(root: Path, target: Path) -> list[str]:
    """No compression: a guest without hardware virtualization unpacks 9 times slower than it reads.

    Files keep their times, so no -T: Python's byte code names the time of its source, and with another one it compiles
    everything again, which makes the first imports of each VM three times as slow.
    """
    return ["mkfs.erofs", "--quiet", f"-U{UUID}", str(target), str(root)]


def make(container: str, target: Path) -> None:
    """Mount the container, make the file, unmount. Raises ImageError, ToolError."""
    root = Path(process.run(["buildah", "mount", container], timeout=MOUNT).stdout.strip())
    try:
        if not os.path.lexists(root / "bin/sh") and not os.path.lexists(root / "usr/bin/sh"):
            raise ImageError("The image has no /bin/sh", "Choose an image with a shell.")
        process.run(mkfs_command(root, target), timeout=MAKE)
    finally:
        process.run(["buildah", "umount", container], timeout=MOUNT)


def command(container: str, target: Path) -> list[str]:
    """The command line that makes the file, as root or as a plain user."""
    prefix = [] if os.geteuid() == 0 else ["buildah", "unshare", "--"]
    return [*prefix, sys.executable, "-P", "-m", "era_kernel.images.erofs", container, str(target)]


if __name__ == "__main__":
    try:
        make(sys.argv[1], Path(sys.argv[2]))
    except EraError as error:
        sys.exit(str(error))
