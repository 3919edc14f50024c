"""A front end in a few lines: starts a kernel by its kernelspec's name and runs cells, every wait with a limit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

START_TIMEOUT = 180
CELL_TIMEOUT = 60
TAIL = 2000
Message = dict[str, Any]


@dataclass
class Result:
    """What a cell gave: its outputs in order with the time of arrival, and its reply."""

    reply: Message
    outputs: list[Message] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def status(self) -> str:
        return str(self.reply["content"]["status"])

    def text(self, name: str = "stdout") -> str:
        """All that the cell wrote to one stream."""
        return "".join(
            each["content"]["text"]
            for each in self.outputs
            if each["msg_type"] == "stream" and each["content"]["name"] == name
        )

    @property
    def data(self) -> list[Message]:
        """The mime bundles that the cell showed."""
        return [each["content"]["data"] for each in self.outputs if "data" in each["content"]]

    @property
    def error(self) -> Message:
        (error,) = [each["content"] for each in self.outputs if each["msg_type"] == "error"]
        return dict(error)


class Notebook:
    """A kernel and its client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(
        self,
        code: str,
        timeout: float = CELL_TIMEOUT,
        on_output: Callable[[Message], None] | None = None,
        answers: tuple[str, ...] = (),
        **options: Any,
    ) -> Result:
        """Run a cell to its idle; `answers` are given to its questions, `on_output` sees each output as it comes."""
        start = time.monotonic()
        request = self.client.execute(code, allow_stdin=bool(answers), **options)
        outputs: list[Message] = []
        times: list[float] = []
        questions = list(answers)
        while True:
            left = start + timeout - time.monotonic()
            assert left > 0, f"the cell did not end within {timeout} s: {code!r}, {_tail(outputs)}"
            if questions and self.client.stdin_channel.msg_ready():
                self.client.get_stdin_msg(timeout=1)
                self.client.input(questions.pop(0))
            message = self.next_iopub(min(left, 0.05 if questions else left))
            if message is None or message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    break
            elif message["msg_type"] != "execute_input":
                outputs.append(message)
                times.append(time.monotonic() - start)
                if on_output is not None:
                    on_output(message)
        reply = self.client.get_shell_msg(timeout=10)
        while reply["parent_header"].get("msg_id") != request:
            reply = self.client.get_shell_msg(timeout=10)
        return Result(reply, outputs, times, time.monotonic() - start)

    def next_iopub(self, timeout: float) -> Message | None:
        """The next message on IOPub, None when none comes in `timeout` seconds."""
        from queue import Empty

        try:
            return dict(self.client.get_iopub_msg(timeout=timeout))
        except Empty:
            return None

    def value(self, expression: str) -> str:
        """text/plain of an expression."""
        result = self.run(expression)
        assert result.status == "ok", result.outputs
        return str(result.data[-1]["text/plain"])


def _tail(outputs: list[Message]) -> str:
    """What a cell that did not end showed last."""
    last = [(each["msg_type"], each["content"]) for each in outputs[-3:]]
    return f"{len(outputs)} outputs so far, the last ones {str(last)[:TAIL]}"


@contextlib.contextmanager
def notebook(kernel: str = "era-python", **start: Any) -> Iterator[Notebook]:
    """A running kernel, ready for cells; shut down at the end."""
    manager = KernelManager(kernel_name=kernel)
    manager.start_kernel(**start)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=START_TIMEOUT)
        book = Notebook(manager, client)
        book.run("", timeout=START_TIMEOUT)
        yield book
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=not manager.is_alive())
        manager.cleanup_resources()
