"""How to reach a VM's unix socket whatever the length of its folder's path."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SUN_PATH = 107


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """A name for `path` that fits into sockaddr_un while the context lasts.

    A longer path is reached through an open fd of its folder (/proc/self/fd), which Linux has.
    """
    if len(os.fsencode(path)) <= SUN_PATH:
        yield str(path)
        return
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)
