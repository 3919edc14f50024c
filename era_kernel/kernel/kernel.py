"""The kernel: Jupyter's requests turned into requests to a session in a VM. No cell text is evaluated here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ipykernel.kernelbase import Kernel
from traitlets import Bool, Float, Unicode

from era_kernel import __version__
from era_kernel.errors import BootError, EraError
from era_kernel.kernel.connection import DISCARD_SECONDS, VmConnection
from era_kernel.kernel.editor import Editor
from era_kernel.kernel.history import History
from era_kernel.kernel.policy import filter_expressions
from era_kernel.kernel.questions import Questions
from era_kernel.kernel.relay import Cell, OutputRelay, error_content
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.magics import LINE
from era_kernel.protocol import driver
from era_kernel.service.session import Session

if TYPE_CHECKING:
    from era_kernel.kernel.commands import CellCommands
    from era_kernel.panel.controller import Controller
    from era_kernel.panel.model import Panel

log = logging.getLogger(__name__)

SHUTDOWN_FLUSH = 0.01
SLOW_START = 15.0
PROTOCOL_VERSION = "5.4"


class EraKernel(Kernel):
    """A kernel for one notebook. Its cells run in a session of their own in the language's VM."""

    implementation = "era_kernel"
    implementation_version = __version__
    banner = f"era_kernel {__version__}: cells run in a microVM"

    language = Unicode("python", help="The language of the cells.").tag(config=True)
    vm = Unicode("", help="The id of the VM to use; by default the language's own.").tag(config=True)
    temporary = Bool(False, help="Whether this kernel gets a VM of its own, which ends with it.").tag(config=True)
    # The base class sleeps before each reply, for output that another thread has yet to send. Ours was sent before.
    _execute_sleep = Float(0.0)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._spec: LanguageSpec = find_language(self.language)
        self._relay = OutputRelay(self._publish, self._ask_input)
        head_start = getattr(self.parent, "head_start", None)
        self._vm_connection = VmConnection(
            self._spec, self.vm, self._relay, self._progress, head_start, temporary=self.temporary
        )
        self._editor = Editor(self._vm_connection)
        self._history = History()
        self._waiting: asyncio.Task[Session] | None = None
        self._waiting_since = 0.0
        self._questions = Questions(self.session, self.stdin_socket)
        self.shell_handlers.update(comm_open=self._refuse_comm, comm_msg=_ignore, comm_close=_ignore)
        # Who runs the cell, kept here: events come in the context of the connection, not of the request.
        self._asker: tuple[Any, dict[str, Any]] = ([], {})
        self._is_running = False

    def start(self) -> None:
        super().start()
        self.io_loop.asyncio_loop.add_signal_handler(signal.SIGINT, self._interrupt)
        self.io_loop.add_callback(self._vm_connection.warm_up)

    # ---- what the front end learns of us

    @property
    def kernel_info(self) -> dict[str, Any]:
        """Our own: the base class would offer a debugger and subshells, both of which would run on the host."""
        spec = self._spec
        return {
            "protocol_version": PROTOCOL_VERSION,
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            "language_info": {
                "name": spec.name,
                "version": self._vm_connection.language_version or spec.version,
                "mimetype": spec.mimetype,
                "file_extension": spec.file_extension,
                "pygments_lexer": spec.pygments_lexer,
                "codemirror_mode": spec.codemirror_mode,
            },
            "banner": self.banner,
            "help_links": [],
            "supported_features": [],
        }

    # ---- cells

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        cell = Cell(self.get_parent("shell"), self.execution_count, silent)
        self._asker = (self._get_shell_context_var(self._shell_parent_ident), cell.parent)
        self._is_running = True
        try:
            reply = await self._execute(cell, code, store_history, user_expressions or {}, allow_stdin)
        except asyncio.CancelledError:
            self._relay.begin("", cell)
            reply = self._failed(cell, "KeyboardInterrupt", "interrupted before the cell ran")
        except EraError as error:
            reply = self._failed(cell, type(error).__name__.removesuffix("Error"), str(error), console_of(error))
        except Exception:
            log.exception("a cell failed in the kernel")
            reply = self._failed(cell, "InternalError", "This is a bug of era_kernel; the kernel's log has the details")
        finally:
            self._questions.stop()
            self._relay.end()
            self._is_running = False
            if "_commands" in self.__dict__:
                self._commands.cell_ended()
        return {**reply, "execution_count": self.execution_count, "payload": []}

    async def _execute(
        self, cell: Cell, code: str, store_history: bool, user_expressions: dict[str, str], allow_stdin: bool
    ) -> dict[str, Any]:
        if store_history and not cell.silent:
            self._history.add(cell.count, code)
        if not code.strip() and not user_expressions:
            return {"status": "ok", "user_expressions": {}}
        self._relay.begin("", cell)
        content = {
            "silent": cell.silent,
            "store_history": store_history,
            "user_expressions": user_expressions,
            "allow_stdin": allow_stdin,
            "execution_count": cell.count,
        }
        if LINE not in code:
            return await self._run(cell, code, content)
        return await self._run_parts(cell, code, content)

    async def _run(self, cell: Cell, code: str, content: dict[str, Any]) -> dict[str, Any]:
        """Run code in the session; the reply's content."""
        session = await self._open_session()
        if self._vm_connection.take_loss():
            self._relay.note("The session of before ended with its VM: this is a fresh one, without its variables.")
        request = {**content, "code": code}
        reply = (await session.execute(request, on_start=lambda request: self._relay.begin(request, cell))).content
        if reply.status == "ok":
            return {"status": "ok", "user_expressions": filter_expressions(reply.user_expressions)}
        return {"status": "error", **error_content(reply.ename, reply.evalue, reply.traceback)}

    async def _run_parts(self, cell: Cell, code: str, content: dict[str, Any]) -> dict[str, Any]:
        """Run a cell that may hold commands for the host, part by part, until one fails."""
        from era_kernel.magics.parse import Command, divide

        reply: dict[str, Any] = {"status": "ok", "user_expressions": {}}
        async for part in divide(code, self._spec.line_comment, self._is_whole):
            if isinstance(part, Command):
                await self._commands.run(part, cell)
            else:
                reply = await self._run(cell, part.text, content)
            if reply["status"] != "ok":
                break
        return reply

    async def _is_whole(self, code: str) -> bool:
        """Whether code needs nothing more behind it."""
        return (await (await self._open_session()).is_complete(code)).content.status == "complete"

    @cached_property
    def _commands(self) -> CellCommands:
        from era_kernel.kernel.commands import CellCommands

        return CellCommands(self._spec, self._vm_connection, self._relay, self._publish, self._new_panel)

    def _new_panel(self, panel: Panel) -> Controller:
        from era_kernel.commands.front_end import open_manager
        from era_kernel.kernel.comms import enable_comms
        from era_kernel.panel.controller import Controller

        enable_comms(self)
        return Controller(panel, partial(open_manager, None), lambda: self._is_running, self._spec.name)

    async def _open_session(self) -> Session:
        """The session; an interrupt cancels the wait for it."""
        if self._vm_connection.current is not None:
            return self._vm_connection.current
        self._waiting = asyncio.create_task(self._vm_connection.session())
        self._waiting_since = time.monotonic()
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def _failed(self, cell: Cell, name: str, text: str, details: str = "") -> dict[str, Any]:
        """Show an error of ours in the cell, and give the reply's content."""
        content = error_content(name, text, [f"{name}: {text}", *details.splitlines()])
        self._relay.flush()
        if not cell.silent:
            self._publish("error", content, cell.parent)
        return {"status": "error", **content}

    def _publish(self, kind: str, content: dict[str, Any], parent: dict[str, Any]) -> None:
        self.session.send(self.iopub_socket, kind, content, parent=parent, ident=self._topic(kind))

    def _progress(self, line: str) -> None:
        """What a starting VM says. A cell that waits for long gets to see it."""
        log.info("%s", line)
        if self._waiting is not None and time.monotonic() - self._waiting_since > SLOW_START:
            self._relay.note(line)

    # ---- interrupts

    def _interrupt(self) -> None:
        """On the shell's loop: stop the running cell, or the wait for its VM."""
        if self._waiting is not None:
            self._waiting.cancel()
            return
        if "_commands" in self.__dict__ and self._commands.interrupt():
            return
        session = self._vm_connection.current
        if session is not None and session.busy:
            session.interrupt()

    async def interrupt_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """On the control thread (interrupt_mode message)."""
        self.io_loop.add_callback(self._interrupt)
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def shell_main(self, subshell_id: str | None, msg: list[Any]) -> None:
        """VS Code interrupts on the shell channel, where the request would wait for the running cell's end."""
        if self._main_asyncio_lock.locked() and self._is_interrupt(msg):
            self._interrupt()
            idents, frames = self.session.feed_identities(msg, copy=False)
            parent = self.session.deserialize(frames, content=True, copy=False)
            stream = self.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(subshell_id)
            self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=idents)
            return
        await super().shell_main(subshell_id, msg)

    async def dispatch_shell(
        self, msg: list[Any], /, subshell_id: str | None = None, *, concurrent: bool = False
    ) -> None:
        """Comms of the panel are heard while a cell runs (`concurrent`), with a busy and an idle of their own: widgets
        wait for these before they send more. Front ends are told that the kernel is busy all the same.
        """
        await super().dispatch_shell(msg, subshell_id=subshell_id)
        if concurrent and self._is_running:
            self._publish_status("busy", "shell", parent=self._asker[1])

    def _is_interrupt(self, msg: list[Any]) -> bool:
        try:
            _, frames = self.session.feed_identities(msg, copy=False)
            header = self.session.deserialize(frames, content=False, copy=False)["header"]
        except Exception:  # whatever is wrong with it, the base class deals with it
            return False
        return bool(header.get("msg_type") == "interrupt_request")

    def pre_handler_hook(self) -> None:
        """The base class would route SIGINT into the middle of a coroutine, which kills the kernel."""

    def post_handler_hook(self) -> None:
        """See pre_handler_hook."""

    # ---- input

    def _ask_input(self, request: str, content: driver.InputContent) -> None:
        session = self._vm_connection.current
        if session is not None:
            self._questions.ask(content, *self._asker, answer=partial(session.reply_input, request))

    # ---- the other requests

    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        return await self._editor.complete(code, cursor_pos)

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        return await self._editor.inspect(code, cursor_pos, detail_level)

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        return await self._editor.is_complete(code)

    async def do_history(
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        if hist_access_type == "range":
            found = self._history.range(start or 0, stop) if not session else []
        elif hist_access_type == "search":
            found = self._history.search(pattern or "*", n, unique=unique)
        else:
            found = self._history.tail(n or 0)
        return {
            "status": "ok",
            "history": [(number, line, (text, None) if output else text) for number, line, text in found],
        }

    def _refuse_comm(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Front ends try comms of their own (widgets): the answer of a kernel that has none is to close it."""
        content = {"comm_id": str(parent["content"].get("comm_id", "")), "data": {}}
        self._publish("comm_close", content, parent)

    # ---- end

    async def shutdown_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """As the base class, but both loops stop a moment later: else control publishes after IOPub has stopped.

        The session ends with our connection to the shim, however we end; the VM goes on, unless it is ours alone.
        """
        content = await self.do_shutdown(parent["content"]["restart"])
        self.session.send(stream, "shutdown_reply", content, parent, ident=ident)
        self._shutdown_message = self.session.msg("shutdown_reply", content, parent)
        await self._at_shutdown()
        await self._discard_vm()
        control_loop = self.control_stream.io_loop
        shell_loop = self.io_loop
        control_loop.call_later(SHUTDOWN_FLUSH, control_loop.stop)
        shell_loop.add_callback(shell_loop.call_later, SHUTDOWN_FLUSH, shell_loop.stop)
        if self.shell_stream.io_loop is not shell_loop:
            channel_loop = self.shell_stream.io_loop
            channel_loop.add_callback(channel_loop.call_later, SHUTDOWN_FLUSH, channel_loop.stop)

    async def _discard_vm(self) -> None:
        """On the control thread: the connection is the shell loop's."""
        discarding = asyncio.run_coroutine_threadsafe(self._vm_connection.discard(), self.io_loop.asyncio_loop)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(discarding), DISCARD_SECONDS + 1)


def _ignore(stream: Any, ident: Any, parent: dict[str, Any]) -> None:
    """A message to a comm that was refused."""


def console_of(error: EraError) -> str:
    """The end of the guest's console, of a VM that did not come up."""
    return error.console if isinstance(error, BootError) else ""
