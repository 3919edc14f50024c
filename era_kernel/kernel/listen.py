"""The kernel's ports listen before anything heavy is imported.

A front end connects as soon as it has started a kernel. A port that does not listen yet refuses, and libzmq tries again
only 0.1 to 0.2 s later (ZMQ_RECONNECT_IVL and its jitter, reconnecting the same way each time); one that listens keeps
the connection waiting until ZMQ takes the listener over (ZMQ_USE_FD).
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from pathlib import Path

CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port")
BACKLOG = 100
"""As ZMQ's own listeners have (ZMQ_BACKLOG)."""

Listeners = dict[int, socket.socket]
"""{port: its listener}"""


def listen_early(argv: Sequence[str]) -> Listeners:
    """Listeners for the ports in the connection file of a kernelspec's command line.

    None for what is not said plainly there, or cannot be had: the application deals with that.
    """
    listeners: Listeners = {}
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        if list(argv[:1]) == ["-f"]:
            info = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
            for port in [int(info[channel]) for channel in CHANNELS] if info["transport"] == "tcp" else []:
                if port:
                    listeners[port] = _listener(info["ip"], port)
    return listeners


def _listener(ip: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ip, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
