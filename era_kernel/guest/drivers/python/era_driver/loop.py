"""The message loop: one request after the other, until the host closes its pipe."""

import os
import sys

from era_driver import ask, cell, display, interrupts, output
from era_driver.bundle import bundle
from era_driver.wire import Wire, WireClosed, WireError

_EXIT_PROTOCOL = 76


class Driver:
    """A session's state: its namespace, its pipes, the cell that runs or ran last."""

    def __init__(self):
        interrupts.install()
        self._wire = Wire(3, 4)
        self._is_child = False
        self._request = ""
        self._cell = {}
        self.namespace = cell.new_namespace()
        self._hook = display.displayhook(self.namespace, self._show)
        self._handlers = {
            "execute_request": self._execute,
            "complete_request": self._complete,
            "inspect_request": self._inspect,
            "is_complete_request": self._is_complete,
        }

    def run(self):
        interrupts.wrap_system()
        output.install()
        display.install(self.send)
        ask.install(self._ask)
        os.register_at_fork(after_in_child=self._in_child)
        sys.displayhook = self._hook
        sys.argv = [""]
        version = ".".join(map(str, sys.version_info[:3]))
        self._wire.write("ready", "", {"language_version": version, "driver": "python"})
        while True:
            message = self._next_message()
            handler = self._handlers.get(message["type"])
            if handler is not None:
                kind = message["type"].replace("_request", "") + "_reply"
                self._reply(kind, message["id"], handler(message["id"], message["content"]))

    def _next_message(self):
        """The next request; what a task or a signal handler that a cell left raises meanwhile is told and forgotten."""
        while True:
            try:
                if "era_driver.aio" in sys.modules and not self._wire.has_read():
                    sys.modules["era_driver.aio"].run_tasks_until_readable(self._wire.fileno)
                return self._wire.read()
            except (WireClosed, WireError):
                raise
            except SystemExit as error:
                self.leave(exit_status(error))
            except BaseException as error:
                print("\n".join(_told(error)["traceback"]), file=sys.stderr)

    def _reply(self, kind, request, content):
        output.flush()
        try:
            self._wire.write(kind, request, content)
        except (ValueError, TypeError, RecursionError) as error:
            # Only what user_expressions gave can be too much.
            content = {"ename": type(error).__name__, "evalue": str(error), "traceback": [str(error)]}
            self._wire.write(kind, request, dict(content, status="error"))

    def send(self, kind, content, more=False):
        """An event of the cell, after all that it printed before. A forked child has only text to show."""
        output.flush()
        if not self._is_child:
            self._wire.write(kind, self._request, content, more)
        elif "data" in content:
            print(content["data"].get("text/plain", ""))

    def leave(self, status):
        """End this process now: exit functions run, threads are not waited for."""
        import atexit

        try:
            atexit._run_exitfuncs()
        finally:
            output.flush()
            if not self._is_child:
                self._wire.flush()
            os._exit(status)

    def _in_child(self):
        if not self._is_child:  # else the pipes were closed when its parent was forked
            self._wire.close()
        self._is_child = True

    # ---- cells

    def _execute(self, request, content):
        self._request = request
        self._cell = content
        output.cell_begins()
        try:
            interrupts.call(self._run, content["code"])
        except SystemExit as error:
            self.leave(exit_status(error))
        except BaseException as error:
            reply = self._error(error)
        else:
            reply = {"status": "ok", "user_expressions": self._expressions(content["user_expressions"])}
        if self._is_child:
            self.leave(0 if reply["status"] == "ok" else 1)
        interrupts.install()
        return reply

    def _run(self, source):
        codes, is_shown = cell.compile_cell(source, self._cell["execution_count"])
        try:
            value = cell.run(codes, self.namespace)
            if is_shown:
                sys.displayhook(value)
        except KeyboardInterrupt:
            raise
        except Exception:
            display.show_figures()
            raise
        display.show_figures()

    def _show(self, value):
        """Show a result, together with what is sent next. Whether results are shown at all."""
        if self._cell["silent"]:
            return False
        data, metadata = bundle(value)
        content = {"execution_count": self._cell["execution_count"], "data": data, "metadata": metadata}
        self.send("execute_result", content, more=sys.displayhook is self._hook)
        return True

    def _error(self, error):
        """Tell of an error."""
        content = _told(error)
        if self._is_child:
            print("\n".join(content["traceback"]), file=sys.stderr)
        else:
            self.send("error", content, more=True)
        return dict(content, status="error")

    def _expressions(self, expressions):
        return {name: self._expression(text) for name, text in expressions.items()}

    def _expression(self, text):
        try:
            data, metadata = interrupts.call(lambda: bundle(eval(text, self.namespace)))
        except BaseException as error:
            return dict(_told(error), status="error")
        return {"status": "ok", "data": data, "metadata": metadata}

    def _ask(self, prompt, password):
        """Put a question to the front end and wait; an interrupt ends the wait."""
        if self._is_child or not interrupts.on_main_thread():
            raise ask.StdinNotAvailable("input() works in the cell itself, not in threads or forked processes")
        if not self._cell["allow_stdin"]:
            raise ask.StdinNotAvailable("this front end answers no questions: input() cannot be used here")
        self.send("input_request", {"prompt": prompt, "password": password})
        try:
            answer = self._wire.wait_for("input_reply", self._request)["content"]
        except WireClosed:
            self.leave(0)
        if "value" not in answer:
            raise ask.StdinNotAvailable(answer.get("error", "no answer"))
        return answer["value"]

    # ---- the other requests

    def _complete(self, request, content):
        from era_driver import complete

        return _guarded(complete.complete, complete.nothing, content["code"], content["cursor_pos"], self.namespace)

    def _inspect(self, request, content):
        from era_driver import inspection

        arguments = (content["code"], content["cursor_pos"], content["detail_level"], self.namespace)
        return _guarded(inspection.inspect_at, inspection.nothing, *arguments)

    def _is_complete(self, request, content):
        from era_driver import completeness

        return completeness.is_complete(content["code"])


def _told(error):
    """The content of an error; an interrupt while its text is made (a cell's own __str__ may hang) leaves it short."""
    try:
        from era_driver import tracebacks

        return interrupts.call(tracebacks.content, error)
    except BaseException:
        name = type(error).__name__
        return {"ename": name, "evalue": "", "traceback": [name]}


def _guarded(function, nothing, *arguments):
    """Requests that look at live objects may meet a cell's own code: it may fail, hang and be interrupted."""
    try:
        return interrupts.call(function, *arguments)
    except BaseException:
        return nothing(*arguments)


def exit_status(error):
    """The exit status that SystemExit means; a text is printed, as Python does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def main():
    # Programs that cells start find their input at its end, where a pipe that nobody writes would stop them.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    driver = Driver()
    try:
        driver.run()
    except WireClosed:
        driver.leave(0)
    except WireError as error:
        print(f"era driver: {error}", file=sys.stderr)
        driver.leave(_EXIT_PROTOCOL)
