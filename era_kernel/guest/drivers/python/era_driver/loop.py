"""The message loop: one request after the other, until the host closes its pipe."""

import os
import platform
import sys

from era_driver import ask, cell, display, interrupts, output, tracebacks
from era_driver.wire import Wire


class Driver:
    """A session's state: its namespace, its pipes, the cell that runs."""

    def __init__(self):
        self._wire = Wire(3, 4)
        self._pid = os.getpid()
        self._request = ""
        self._count = 0
        self._silent = False
        self._stdin = False
        self.namespace = cell.new_namespace()
        self._handlers = {
            "execute_request": self._execute,
            "complete_request": self._complete,
            "inspect_request": self._inspect,
            "is_complete_request": self._is_complete,
            "reseed": self._reseed,
        }

    def run(self):
        interrupts.install()
        output.install()
        display.install(self.send, self.namespace)
        ask.install(self._ask)
        sys.displayhook = cell.displayhook(self.namespace, self._show)
        version = platform.python_version()
        self._wire.write("ready", "", {"language_version": version, "driver": "python"})
        while True:
            message = self._wire.read()
            if message is None:
                leave(0)
            handler = self._handlers.get(message["type"])
            if handler is not None:
                reply = handler(message["id"], message["content"])
                kind = message["type"].replace("_request", "") + "_reply"
                self._reply(kind, message["id"], reply)

    def _reply(self, kind, request, content):
        output.flush()
        self._wire.write(kind, request, content)

    def send(self, kind, content):
        """An event of the running cell, after all that it printed before. A forked child is not the session."""
        output.flush()
        if os.getpid() == self._pid:
            self._wire.write(kind, self._request, content)

    # ---- cells

    def _execute(self, request, content):
        self._request = request
        self._count = content["execution_count"]
        self._silent = content["silent"]
        self._stdin = content["allow_stdin"]
        output.cell_begins()
        status = None
        try:
            try:
                with interrupts.interruptible():
                    self._run(content["code"])
            except SystemExit as error:
                status = error
            except BaseException as error:
                reply = self._error(error)
            else:
                reply = {"status": "ok", "user_expressions": self._expressions(content["user_expressions"])}
        finally:
            output.cell_ends()
        if os.getpid() != self._pid:
            leave(0)
        interrupts.user_handler_gone()
        if status is not None:
            leave(exit_status(status))
        return reply

    def _run(self, source):
        for code, _ in cell.compile_cell(source, self._count):
            cell.run(code, self.namespace)
        display.show_figures()

    def _show(self, value):
        if not self._silent:
            data, metadata = display.bundle(value)
            self.send("execute_result", {"execution_count": self._count, "data": data, "metadata": metadata})

    def _error(self, error):
        """Tell of an error; an interrupt while its text is made (a cell's own __str__ may hang) leaves it without."""
        try:
            with interrupts.interruptible():
                content = tracebacks.content(error)
        except KeyboardInterrupt:
            content = {"ename": type(error).__name__, "evalue": "", "traceback": [type(error).__name__]}
        self.send("error", content)
        return dict(content, status="error")

    def _expressions(self, expressions):
        return {name: self._expression(text) for name, text in expressions.items()}

    def _expression(self, text):
        try:
            with interrupts.interruptible():
                data, metadata = display.bundle(eval(text, self.namespace))
        except BaseException as error:
            return dict(tracebacks.content(error), status="error")
        return {"status": "ok", "data": data, "metadata": metadata}

    def _ask(self, prompt, password):
        """Put a question to the front end and wait; an interrupt ends the wait."""
        if os.getpid() != self._pid or not self._stdin:
            raise ask.StdinNotAvailable("this front end answers no questions: input() cannot be used here")
        self.send("input_request", {"prompt": prompt, "password": password})
        while True:
            message = self._wire.read()
            if message is None:
                leave(0)
            if message["type"] == "input_reply" and message["id"] == self._request:
                if "value" in message["content"]:
                    return message["content"]["value"]
                raise ask.StdinNotAvailable(message["content"].get("error", "no answer"))

    # ---- the other requests

    def _complete(self, request, content):
        from era_driver import complete

        return _guarded(complete.complete, content["code"], content["cursor_pos"], self.namespace)

    def _inspect(self, request, content):
        from era_driver import inspection

        return _guarded(
            inspection.inspect_at, content["code"], content["cursor_pos"], content["detail_level"], self.namespace
        )

    def _is_complete(self, request, content):
        from era_driver import completeness

        return completeness.is_complete(content["code"])

    def _reseed(self, request, content):
        from era_driver import reseed

        reseed.reseed(bytes.fromhex(content["entropy"]))
        return {}


def _guarded(function, *arguments):
    """Requests that look at live objects can hang in a cell's own code: they can be interrupted as a cell can."""
    try:
        with interrupts.interruptible():
            return function(*arguments)
    except KeyboardInterrupt:
        return function.nothing(*arguments)


def exit_status(error):
    """The exit status that SystemExit means; a text is printed, as Python does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def leave(status):
    """End this process now: exit functions run, threads are not waited for."""
    import atexit

    try:
        atexit._run_exitfuncs()
    finally:
        output.flush()
        os._exit(status)


def main():
    Driver().run()
