"""The panel at work: presses and looks become calls of the service in threads, their results come back to one loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from era_kernel.errors import EraError
from era_kernel.languages import LANGUAGES, find_language
from era_kernel.models import ExecResult
from era_kernel.panel.model import Action, Panel, Work
from era_kernel.panel.view import View

if TYPE_CHECKING:
    from era_kernel.progress import Report
    from era_kernel.service.manager import Manager
    from era_kernel.service.results import VmView

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")
Bundle = dict[str, Any]
KEPT_OUTPUT = 64 * 1024
"""Bytes of a temporary VM's output that are shown: the last ones."""
OUTPUT_SECONDS = 0.2
DEFAULT_LANGUAGE = "python"


class Controller:
    """One panel, displayed as often as one likes. Everything but what threads do happens on the loop that made it.

    `open_manager` gives the service; `is_busy` tells whether the kernel runs a cell: then looks wait until resume().
    """

    def __init__(
        self, panel: Panel, open_manager: Callable[[Report], Manager], is_busy: Callable[[], bool], language: str
    ) -> None:
        self._open_manager = open_manager
        self._is_busy = is_busy
        self._loop = asyncio.get_running_loop()
        self._panel = panel
        self._view = View(self, list(LANGUAGES), language or DEFAULT_LANGUAGE)
        self._looking = self._held = self._again = False
        self._running: Callable[[], object] | None = None
        self._output = bytearray()
        self._output_timer: asyncio.TimerHandle | None = None
        self._show()

    def bundle(self) -> Bundle:
        """What displays the panel, by MIME type."""
        found: Bundle = self._view.root._repr_mimebundle_()
        return found

    def resume(self) -> None:
        """The kernel's cell has ended."""
        if self._held:
            self._held = False
            self._look()

    # ---- what the user does

    def look(self) -> None:
        """See Presses."""
        if self._is_busy():
            self._held = True
        else:
            self._look()

    def press(self, action: Action, vm_id: str) -> None:
        """See Presses."""
        if self._panel.press(action, vm_id, time.monotonic()):
            do = {Action.START: _start, Action.STOP: _stop, Action.CLEAN: _clean}[action]
            self._work(vm_id, lambda manager: do(manager, vm_id))
        self._show()

    def make(self, language: str) -> None:
        """See Presses."""
        if self._panel.begin(Work.NEW, f"making a VM for {language} …"):
            self._work(Work.NEW, lambda manager: manager.create(find_language(language).name))
        self._show()

    def run(self, language: str, command: str) -> None:
        """See Presses."""
        if self._running is not None:
            self._running()
        elif not command.strip():
            self._panel.end(Work.TEMP, "There is no command to run")
        elif self._panel.begin(Work.TEMP, f"running in a temporary VM for {language} …"):
            self._output.clear()
            self._show_output()
            self._work(Work.TEMP, lambda manager: self._run_temp(manager, language, command))
        self._show()

    # ---- on the loop

    def _look(self) -> None:
        """Look now; again after a look that is under way: it may have seen what was before."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        self._in_thread(lambda: _seen(self._open_manager(_unheard)), self._looked)

    def _looked(self, found: tuple[list[VmView], dict[str, float]] | None, error: str) -> None:
        self._looking = False
        if found is None:
            self._panel.trouble = error
        else:
            self._panel.seen(*found, time.monotonic())
        self._show()
        if self._again:
            self._again = False
            self._look()
        else:
            self._view.sensor.answer()

    def _work(self, key: str, do: Callable[[Manager], object]) -> None:
        def report(line: str) -> None:
            self._post(self._stepped, key, line)

        self._in_thread(lambda: do(self._open_manager(report)), lambda _, error: self._ended(key, error))

    def _stepped(self, key: str, line: str) -> None:
        self._panel.step(key, line)
        self._show()

    def _ended(self, key: str, error: str) -> None:
        self._panel.end(key, error)
        self._look()
        self._show()

    def _show(self) -> None:
        panel = self._panel
        self._view.show_rows(panel.rows(time.monotonic()), panel.trouble)
        self._view.show_work(
            panel.note(Work.NEW), panel.note(Work.TEMP), panel.progress, is_running=self._running is not None
        )

    def _take_output(self, data: bytes) -> None:
        self._output += data
        del self._output[:-KEPT_OUTPUT]
        if self._output_timer is None:
            self._output_timer = self._loop.call_later(OUTPUT_SECONDS, self._show_output)

    def _show_output(self) -> None:
        self._output_timer = None
        self._view.show_output(self._output.decode(errors="replace"))

    # ---- in threads

    def _run_temp(self, manager: Manager, language: str, command: str) -> None:
        asyncio.run(self._temp(manager, language, command))

    async def _temp(self, manager: Manager, language: str, command: str) -> None:
        from era_kernel.config.sources import setting

        timeout: float = setting("timeout")
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._post(self._set_running, lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            result = await manager.temp(
                language, command, timeout=timeout, output=lambda vm_id, fd, data: self._post(self._take_output, data)
            )
        except asyncio.CancelledError:
            raise EraError("The command was ended") from None
        finally:
            self._post(self._set_running, None)
        _check(result, timeout)

    def _set_running(self, end: Callable[[], object] | None) -> None:
        self._running = end
        self._show()

    def _in_thread(self, work: Callable[[], ResultT], done: Callable[[ResultT | None, str], None]) -> None:
        """Do what blocks, and `done(its result, why there is none)` on the loop. The kernel's end waits for none."""

        def body() -> None:
            result, error = None, ""
            try:
                result = work()
            except EraError as failure:
                error = str(failure).replace("`era vm ", "`%era ")
            except Exception:
                log.exception("the panel failed")
                error = "This is a bug of era_kernel; the kernel's log has the details"
            self._post(done, result, error)

        threading.Thread(target=body, name="era-panel", daemon=True).start()

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the kernel has ended meanwhile
            self._loop.call_soon_threadsafe(call, *arguments)


def _unheard(line: str) -> None:
    """Progress of a look: it makes nothing."""


def _seen(manager: Manager) -> tuple[list[VmView], dict[str, float]]:
    views = manager.list(include_stopped=True)
    return views, manager.cpu_seconds(view.record for view in views)


def _start(manager: Manager, vm_id: str) -> None:
    manager.start(vm_id)


def _stop(manager: Manager, vm_id: str) -> None:
    for outcome in manager.stop([vm_id]):
        if outcome.error is not None:
            raise outcome.error


def _clean(manager: Manager, vm_id: str) -> None:
    for outcome in manager.clean([vm_id]):
        if outcome.error is not None:
            raise outcome.error


def _check(result: ExecResult, timeout: float) -> None:
    """Raise EraError for a command that did not end well."""
    if result.timed_out:
        raise EraError(f"The command took longer than {timeout:g} s and was ended")
    if result.oom:
        raise EraError("The guest's memory ran out")
    if result.status:
        raise EraError(f"The command ended with status {result.status}")
