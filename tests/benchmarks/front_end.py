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

from tests.conformance.notebook import Message, Notebook

OURS = "era-python"
THEIRS = "python3"
KERNELS = (OURS, THEIRS)
START_SECONDS = 180.0
RETRY_MS = 5
NUDGE_SECONDS = 0.1


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


def first_result(book: Notebook, code: str = "1+1") -> None:
    """Wait until a kernel that was just started takes cells, and run one that gives 2. RuntimeError when it does not.

    It speaks on IOPub of its own accord when it starts and when it is subscribed to (Jupyter's JEP 65). Now and then
    both are missed (once in 50 starts), so whoever hears nothing asks it something, as a Jupyter server does.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _speaks_to_us(message := book.next_iopub(NUDGE_SECONDS)):
        if time.monotonic() > deadline or not book.manager.is_alive():
            raise RuntimeError(f"{book.manager.kernel_name} does not answer")
        if message is None:
            book.client.kernel_info()
    result = book.run(code)
    if (result.data[-1]["text/plain"] if result.data else result.text().strip()) != "2":
        raise RuntimeError(f"{code} is not 2 in {book.manager.kernel_name}")


def _speaks_to_us(message: Message | None) -> bool:
    """Whether a message is of a kernel that has just started: what the one before it says last is about its end."""
    return message is not None and message["parent_header"].get("msg_type") in (None, "kernel_info_request")
