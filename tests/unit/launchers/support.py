"""Jails for tests: made by root, and by a plain user when root runs the tests."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from era_kernel import process
from era_kernel.launchers import host
from era_kernel.launchers.jail import Bind, Jail, JailNetwork, Tools, jail_argv

TOOLS = Tools("/usr/bin/bwrap", "/usr/bin/setpriv", "/usr/bin/pasta", "/usr/bin/unshare")
PLAIN_USER = 12345
JAIL_TIMEOUT = 30


def as_user(argv: tuple[str, ...], root: bool) -> tuple[str, ...]:
    """The command line as it is, or run by a plain user when we are root and `root` is not wanted."""
    if root or not host.is_root():
        return argv
    user = str(PLAIN_USER)
    return (TOOLS.setpriv, "--reuid", user, "--regid", user, "--clear-groups", *argv)


def jailed_shell(root: bool, script: str, *binds: Bind, network: JailNetwork | None = None) -> str:
    """What a bash script prints in a jail."""
    argv = jail_argv(Jail(TOOLS, root, binds, network), ("/usr/bin/bash", "-c", script))
    return process.run(as_user(argv, root), timeout=JAIL_TIMEOUT).stdout


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter (pytest's own are closed)."""
    folder = Path(tempfile.mkdtemp(prefix="era-jail-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def jail_network(root: bool, folder: Path) -> JailNetwork:
    """A user network for a jail of `root`'s or of a plain user's."""
    tun = host.jail_device(host.TUN, folder / "devices")
    if not root and tun != host.TUN:
        tun = folder / "tun"
        os.mknod(tun, stat.S_IFCHR | 0o666, host.TUN.stat().st_rdev)
        tun.chmod(0o666)
    return JailNetwork(tun, host.resolver_file())
