"""A first word to a shim without an event loop: connect, attach, and ask for a process, all before anything is read.

Imports little, so that a kernel can do it before it imports what takes long; a ShimClient takes the connection over.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence

from era_kernel.errors import VmLostError
from era_kernel.paths import VmPaths
from era_kernel.protocol import agent, control
from era_kernel.protocol.frames import PROTOCOL, FrameType, encode_frame
from era_kernel.shim.address import socket_address

FIRST_STREAM = 1
"""The number of a connection's first process."""


def new_token() -> str:
    """What a connection is known by after its VM was stopped and goes on."""
    return os.urandom(16).hex()


def spawn_payload(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str = "/root",
    driver: bool = False,
    warm: bool = False,
    pty: tuple[int, int] | None = None,
) -> bytes:
    """What starts a process in the guest, see ShimClient.spawn(). Raises UsageError."""
    rows, cols = pty or (0, 0)
    wanted = {agent.SpawnFlags.PTY: pty, agent.SpawnFlags.DRIVER: driver, agent.SpawnFlags.WARM: warm}
    flags = agent.SpawnFlags(sum(flag for flag, said in wanted.items() if said))
    return agent.encode_spawn(argv, {**agent.GUEST_ENV, **(env or {})}, cwd, flags, rows, cols)


def dial(paths: VmPaths, token: str, spawn: bytes, timeout: float = 5.0) -> socket.socket:
    """Connect to the shim of a VM, attach, and start a process: its stream is FIRST_STREAM, `spawn` a SPAWN's payload.

    `token` is the connection's own secret. Blocks until the words are said, `timeout` seconds at most; the answers are
    for whoever takes the connection over. Raises VmLostError when nobody is there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        with socket_address(paths.socket) as address:
            connection.connect(address)
        attach = control.encode_control(control.Attach(PROTOCOL, token))
        connection.sendall(attach + encode_frame(FrameType.SPAWN, FIRST_STREAM, spawn))
        connection.setblocking(False)
    except OSError as error:
        connection.close()
        raise no_answer(paths) from error
    except BaseException:
        connection.close()
        raise
    return connection


def no_answer(paths: VmPaths) -> VmLostError:
    """The error of a VM whose shim does not answer."""
    vm_id = paths.folder.name
    return VmLostError(f"{vm_id} does not answer", f"`era vm start --vm {vm_id}` brings it up.")
