"""`%era status` through a kernel: what a page sends and gets, without the page. tests/browser has pages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.notebook import Message, Notebook, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

VIEW = "application/vnd.jupyter.widget-view+json"
PATIENCE = 30.0


@dataclass
class Page:
    """The front end's half of a panel's widgets."""

    book: Notebook
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    others: list[Message] = field(default_factory=list)

    def take(self, message: Message) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.states[content["comm_id"]] = dict(content["data"]["state"])
        elif message["msg_type"] == "comm_close":
            self.states.pop(content["comm_id"], None)
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
            self.states[content["comm_id"]].update(content["data"]["state"])
        elif message["msg_type"] == "comm_msg":
            self.answers.append(content["comm_id"])
        else:
            self.others.append(message)

    def find(self, **traits: str) -> str:
        """The widget with these traits."""
        (found,) = [
            comm for comm, state in self.states.items() if all(state.get(name) == text for name, text in traits.items())
        ]
        return found

    def shows(self, text: str) -> bool:
        return any(text in str(state.get("value")) for state in self.states.values())

    def send(self, comm_id: str, data: dict[str, Any]) -> None:
        shell = self.book.client.shell_channel
        shell.send(self.book.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data}))

    def look(self) -> None:
        self.send(self.find(_model_name="AnyModel"), {"method": "custom", "content": {"kind": "look"}})

    def click(self, tooltip: str) -> None:
        self.send(self.find(tooltip=tooltip), {"method": "custom", "content": {"event": "click"}})

    def until(self, holds: Callable[[], object], patience: float = PATIENCE) -> bool:
        """Take messages until something holds; whether it did in time."""
        end = time.monotonic() + patience
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if (message := self.book.next_iopub(left)) is not None:
                self.take(message)
        return True

    def is_answered(self, patience: float = PATIENCE) -> bool:
        count = len(self.answers)
        return self.until(lambda: len(self.answers) > count, patience)


@pytest.fixture
def book() -> Iterator[Notebook]:
    with notebook() as running:
        yield running


def opened(book: Notebook) -> tuple[Page, Message]:
    """A page with the panel on it, and the bundle that displays it."""
    result = book.run("%era status")
    assert result.status == "ok"
    page = Page(book)
    for message in result.outputs:
        page.take(message)
    (display,) = [each for each in page.others if each["msg_type"] == "display_data"]
    return page, display["content"]["data"]


def vm_of(book: Notebook) -> str:
    return book.value("__import__('os').uname().nodename").strip("'")


def test_it_is_a_widget_with_a_table_for_pages_without(book: Notebook) -> None:
    vm_id = vm_of(book)
    page, bundle = opened(book)
    assert bundle[VIEW]["model_id"] in page.states
    assert vm_id in bundle["text/plain"]
    assert "MiB" in bundle["text/plain"]
    assert "<td" in bundle["text/html"]
    assert vm_id in bundle["text/html"]
    _, again = opened(book)
    assert again[VIEW] == bundle[VIEW], "there is one panel, shown wherever one likes"


def test_a_look_is_answered_and_shown(book: Notebook) -> None:
    vm_id = vm_of(book)
    page, _ = opened(book)
    page.look()
    assert page.is_answered()
    assert page.shows(vm_id)
    assert page.shows(f'aria-label="{vm_id}, running"')


def test_a_busy_kernel_lets_looks_wait_and_heeds_buttons(book: Notebook) -> None:
    vm_id = vm_of(book)
    page, _ = opened(book)
    request = book.client.execute("import time\nprint('begun', flush=True)\ntime.sleep(60)")
    assert page.until(lambda: any("begun" in str(each["content"]) for each in page.others))
    page.look()
    assert not page.is_answered(2.0)
    page.click(f"Stop {vm_id}")
    assert page.until(lambda: any(each["msg_type"] == "error" for each in page.others)), "its VM is stopped"
    assert page.is_answered(), "the look that waited is taken now"
    assert page.until(lambda: page.shows(f'aria-label="{vm_id}, stopped"'))
    while book.client.get_shell_msg(timeout=20)["parent_header"].get("msg_id") != request:
        pass
    assert book.value("1 + 1") == "2", "the next cell brings it up again"


def test_clean_is_done_at_the_second_press(book: Notebook) -> None:
    vm_id = book.run("%era create --language python").text().strip()
    page, _ = opened(book)
    page.click(f"Delete {vm_id}")
    assert page.until(lambda: page.shows("Press again"))
    assert page.shows(vm_id)
    page.click(f"Delete {vm_id}")
    assert page.until(lambda: vm_id not in str(page.states))
    assert vm_id not in book.run("%era list --all").data[0]["text/plain"]


def test_what_fails_is_said_where_it_failed(book: Notebook) -> None:
    vm_id = book.run("%era create --language python").text().strip()
    page, _ = opened(book)
    book.run(f"%era clean --vm {vm_id}")
    page.click(f"Stop {vm_id}")
    assert page.until(lambda: page.shows('role="alert"') or vm_id not in str(page.states))
    page.click("Run the command in a temporary VM")
    assert page.until(lambda: page.shows("There is no command to run"))


@pytest.mark.parametrize("target", ["jupyter.widget", "no.such.target"])
def test_a_page_opens_no_comms_of_its_own(book: Notebook, target: str) -> None:
    opened(book)
    content = {"comm_id": "mine", "target_name": target, "data": {"state": {}}}
    book.client.shell_channel.send(book.client.session.msg("comm_open", content))
    page = Page(book)
    closed: list[Message] = []
    page.take = lambda message: closed.append(message) if message["msg_type"] == "comm_close" else None  # type: ignore[method-assign]
    assert page.until(lambda: closed)
    assert closed[0]["content"]["comm_id"] == "mine"


@pytest.mark.parametrize("data", [{}, {"method": "custom"}, {"method": "custom", "content": 7}, {"method": "update"}])
def test_messages_that_make_no_sense_break_nothing(book: Notebook, data: dict[str, Any]) -> None:
    page, _ = opened(book)
    for comm_id in (page.find(_model_name="AnyModel"), page.find(description="refresh"), "nobody"):
        page.send(comm_id, data)
    page.look()
    assert page.is_answered()


def test_a_page_that_was_loaded_again_gets_the_widgets(book: Notebook) -> None:
    page, bundle = opened(book)
    session, shell = book.client.session, book.client.shell_channel
    message = session.msg("comm_open", {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}})
    message["metadata"] = {"version": "1.0.0"}
    shell.send(message)
    page.send("control", {"method": "request_states"})
    states: list[dict[str, Any]] = []

    def take(message: Message) -> None:
        if message["msg_type"] == "comm_msg" and message["content"]["data"].get("method") == "update_states":
            states.append(message["content"]["data"]["states"])

    page.take = take  # type: ignore[method-assign]
    assert page.until(lambda: states)
    assert bundle[VIEW]["model_id"] in states[0]


def test_an_ordinary_notebook_has_the_same_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ipykernel.kernelspec import write_kernel_spec

    write_kernel_spec(str(tmp_path / "kernels" / "ipython-here"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path), prepend=os.pathsep)
    with notebook("ipython-here") as book:
        assert book.run("%load_ext era_kernel").status == "ok"
        book.run("%%era --language python\n1")
        page, bundle = opened(book)
        assert "<td" in bundle["text/html"]
        page.look()
        assert page.is_answered()
        assert page.shows(", running")


def test_a_page_made_of_a_saved_notebook_shows_the_table(book: Notebook) -> None:
    import nbformat
    from nbconvert import HTMLExporter

    vm_id = vm_of(book)
    _, bundle = opened(book)
    output = nbformat.v4.new_output("display_data", data=bundle)
    cell = nbformat.v4.new_code_cell("%era status", outputs=[output])
    body, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert f">{vm_id}</td>" in body


def test_a_terminal_gets_plain_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_STATE_DIR", str(tmp_path / "state"))
    script = tmp_path / "typed.ipy"
    script.write_text("%load_ext era_kernel\n%era create --language python\n%era status\n%era list\n%era clean --all\n")
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", str(script)]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    vm_id, head, *rest = done.stdout.splitlines()
    assert head.split()[:3] == ["VM", "Language", "State"]
    assert any(line.startswith(vm_id) and "ready" in line for line in rest)
    assert "<" not in done.stdout
