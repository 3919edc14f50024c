"""Kernels as a front end holds them, with nothing of the front end's own in what is measured.

jupyter_client's wait_for_ready() always takes 0.2 s to find that IOPub is quiet, and ZMQ tries every 0.1 s whether a
kernel is there: both would be added to either kernel's start, and make them look more alike than they are.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import zmq
from jupyter_client.manager import KernelManager

from tests.conformance.notebook import Notebook

OURS = "era-python"
THEIRS = "python3"
KERNELS = (OURS, THEIRS)
START_SECONDS = 180.0
RETRY_MS = 5
_LOOK_SECONDS = 1.0


@contextlib.contextmanager
def kernel(name: str) -> Iterator[Notebook]:
    """A kernel that was started and not waited for; shut down at the end."""
    manager = KernelManager(kernel_name=name)
    with zmq.Context() as context:
        context.setsockopt(zmq.RECONNECT_IVL, RETRY_MS)
        manager.start_kernel()
        try:
            client = manager.client(context=context)
            client.start_channels()
            try:
                yield Notebook(manager, client)
            finally:
                client.stop_channels()
        finally:
            manager.shutdown_kernel(now=not manager.is_alive())
            manager.cleanup_resources()


def first_result(book: Notebook) -> None:
    """Wait until a kernel that was just started takes cells, and run `1+1` in it. RuntimeError when it ends instead.

    It says so itself, with the welcome to IOPub (Jupyter's JEP 65).
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        message = book.next_iopub(_LOOK_SECONDS)
        if message is not None and message["msg_type"] == "iopub_welcome":
            break
        if not book.manager.is_alive():
            raise RuntimeError(f"{book.manager.kernel_name} ended")
    if book.value("1+1") != "2":
        raise RuntimeError("1+1 is not 2")
