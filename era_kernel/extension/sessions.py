"""Sessions in VMs beside an ordinary IPython kernel: one for each language or VM that cells were sent to."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from era_kernel.errors import UsageError
from era_kernel.extension.channel import Channel, display, write
from era_kernel.extension.failure import CellFailedError
from era_kernel.kernel.connection import VmConnection
from era_kernel.kernel.relay import Cell, OutputRelay
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.protocol import driver

ANSWER_SECONDS = 30.0
_INTERRUPTED = "KeyboardInterrupt: the cell was interrupted before it reached its VM"


class Sessions:
    """Runs cells in VMs on a loop of its own; their variables stay until IPython ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._open: dict[tuple[str, str], RemoteSession] = {}
        threading.Thread(target=self._loop.run_forever, name="era-sessions", daemon=True).start()

    def run(self, code: str, language: str, vm_id: str) -> str:
        """Run a cell, shown as it goes; its text output. Raises CellFailedError, EraError."""
        spec = find_language(_language_of(vm_id) if vm_id or not language else language)
        if language and find_language(language) is not spec:
            raise UsageError(f"{vm_id} is a VM for {spec.name}, not for {language}", "Leave --language out.")
        found = self._open.get((spec.name, vm_id))
        if found is None:
            found = asyncio.run_coroutine_threadsafe(_new(spec, vm_id), self._loop).result()
            self._open[spec.name, vm_id] = found
        job = asyncio.run_coroutine_threadsafe(found.execute(code), self._loop)
        found.channel.show_until(job, lambda: self._interrupt(found, job))
        try:
            return job.result()
        except CancelledError:
            raise CellFailedError(_INTERRUPTED, [_INTERRUPTED]) from None

    def _interrupt(self, session: RemoteSession, job: Future[str]) -> None:
        self._loop.call_soon_threadsafe(lambda: session.interrupt() or job.cancel())


async def _new(spec: LanguageSpec, vm_id: str) -> RemoteSession:
    return RemoteSession(spec, vm_id)


def _language_of(vm_id: str) -> str:
    from era_kernel.commands.front_end import open_manager

    if not vm_id:
        raise UsageError("Neither a language nor a VM is named", "`%%era --language python`, or `%%era --vm ID`.")
    return open_manager(None, lambda line: None).get(vm_id).spec.language


class RemoteSession:
    """One session, on the loop of Sessions."""

    def __init__(self, spec: LanguageSpec, vm_id: str) -> None:
        self.channel = Channel()
        self._relay = OutputRelay(self._publish, self._ask)
        self._connection = VmConnection(spec, vm_id, self._relay, lambda line: None)
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._text: list[str] = []

    def interrupt(self) -> bool:
        """End the cell that runs; False when it waits for its VM."""
        session = self._connection.current
        if session is None or not session.busy:
            return False
        session.interrupt()
        return True

    async def execute(self, code: str) -> str:
        """Run a cell; its text. Raises CellFailedError, EraError."""
        self._text.clear()
        self._count += 1
        cell = Cell({}, self._count, silent=False)
        self._relay.begin("", cell)
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "execution_count": self._count,
        }
        try:
            session = await self._connection.session()
            if self._connection.take_loss():
                self._relay.note("The session of before ended with its VM: this is a fresh one.")
            answer = await session.execute(content, on_start=lambda request: self._relay.begin(request, cell))
        finally:
            self._relay.end()
        reply = answer.content
        if reply.status != "ok":
            raise CellFailedError(f"{reply.ename}: {reply.evalue}", list(reply.traceback))
        return "".join(self._text)

    def _publish(self, kind: str, content: dict[str, Any], parent: dict[str, Any]) -> None:
        if kind == "stream":
            if content["name"] == "stdout":
                self._text.append(content["text"])
            self.channel.put(partial(write, content["name"], content["text"]))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.channel.put(partial(display, content["data"], content["metadata"]))
        elif kind == "clear_output":
            self.channel.put(partial(_clear, content["wait"]))

    def _ask(self, request: str, content: driver.InputContent) -> None:
        self.channel.put(partial(self._answer, request, content))

    def _answer(self, request: str, content: driver.InputContent) -> None:
        """On IPython's thread: ask whoever sits before it."""
        reply: dict[str, str]
        try:
            if content.password:
                from getpass import getpass

                reply = {"value": getpass(content.prompt)}
            else:
                reply = {"value": input(content.prompt)}
        except Exception as error:  # no front end, or none that can be asked
            reply = {"error": str(error)}
        session = self._connection.current
        if session is not None:
            asyncio.run_coroutine_threadsafe(session.reply_input(request, reply), self._loop).result(ANSWER_SECONDS)


def _clear(wait: bool) -> None:
    import IPython.display

    show: Any = IPython.display.clear_output  # it has no types
    show(wait)
