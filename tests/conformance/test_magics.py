"""`%era` in a kernel's cells: taken by the host, everything else left to the session."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.notebook import Message, Notebook, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook() as running:
        yield running


def interrupt(book: Notebook, output: Message) -> None:
    """At the first text: a second interrupt would strike the kernel itself."""
    if output["msg_type"] == "stream" and "begun" in output["content"]["text"]:
        book.manager.interrupt_kernel()


def test_the_list_is_a_table_with_the_notebooks_vm(book: Notebook) -> None:
    book.run("1")
    result = book.run("%era list")
    assert result.status == "ok"
    (bundle,) = result.data
    assert "python-" in bundle["text/plain"]
    assert "<table" in bundle["text/html"]
    assert "Total: " in result.text()


def test_a_line_below_code_runs_after_it(book: Notebook) -> None:
    result = book.run("print('before')\n%era list\nprint('after')")
    assert result.status == "ok"
    kinds = [each["msg_type"] for each in result.outputs]
    shown = [kind for kind in kinds if kind in ("stream", "display_data")]
    assert shown[0] == "stream"
    assert "display_data" in shown
    assert shown[-1] == "stream"
    assert result.text().startswith("before\n")
    assert result.text().endswith("after\n")


def test_the_line_numbers_of_errors_are_the_cells(book: Notebook) -> None:
    result = book.run("%era help\n\n1 / 0")
    assert any("line 3" in line for line in result.error["traceback"])


def test_a_string_that_holds_it_is_left_alone(book: Notebook) -> None:
    assert book.run("text = '''\n%era list\n'''\nprint(text)").text() == "\n%era list\n\n"


def test_help_is_shown_in_the_cell(book: Notebook) -> None:
    for typed in ("%era", "%era --help", "%era help"):
        text = book.run(typed).text()
        assert "create" in text, typed
        assert "Usage: %era" in text, typed
    assert "Usage: %era exec" in book.run("%era exec --help").text()
    assert "Usage: %era exec" in book.run("%era help exec").text()


def test_a_cell_copies_files_beside_its_notebook_and_no_others(book: Notebook, tmp_path: Path) -> None:
    book.run("1")
    vm = _vm(book)
    assert (
        book.run(f"open('/root/from-guest', 'w').write('x'); None\n%era cp {vm}:/root/from-guest /etc/era")
        .error["evalue"]
        .startswith("/etc/era is out of a cell's reach")
    )
    for hidden in ("/etc/passwd", "../../../../../../etc/passwd", str(Path.home() / ".ssh/id_rsa")):
        result = book.run(f"%era cp {hidden} {vm}:/root/stolen")
        assert "out of a cell's reach" in result.error["evalue"], hidden
        result = book.run(f"%era exec --vm {vm} --file {hidden} --cmd ls")
        assert "out of a cell's reach" in result.error["evalue"], hidden
    assert book.value("__import__('os').path.exists('/root/stolen')") == "False"


def test_a_body_is_the_command(book: Notebook) -> None:
    book.run("1")
    assert book.run("%%era exec --all\necho from the guest").text().endswith(" | from the guest\n")


def test_a_commands_output_comes_as_it_is_produced(book: Notebook) -> None:
    result = book.run("%%era exec --all\necho one; sleep 2; echo two")
    times = [at for at, each in zip(result.times, result.outputs, strict=True) if each["msg_type"] == "stream"]
    assert times[-1] - times[0] > 1


@pytest.mark.parametrize(
    ("cell", "name", "said"),
    [
        ("%era lst", "Command", "lst"),
        ("%era stop", "Command", "No VM is named"),
        ("%era exec --all --cmd 'echo", "Usage", "no closing quotation"),
        ("%era stop --vm none-such", "Command", "none-such"),
        ("%%era exec --all", "Usage", "no command below"),
        ("%era exec --all --cmd 'exit 3'", "Command", "status 3"),
        ("%era use none-such", "Command", "none-such"),
    ],
)
def test_a_failure_is_one_line_of_the_cell(book: Notebook, cell: str, name: str, said: str) -> None:
    book.run("1")
    result = book.run(cell)
    assert result.status == "error"
    assert result.error["ename"] == name
    assert said in result.error["evalue"]
    assert len(result.error["traceback"]) == 1
    assert book.run("1 + 1").status == "ok"


def test_a_failure_keeps_the_code_below_from_running(book: Notebook) -> None:
    book.run("x = 1")
    assert book.run("%era lst\nx = 2").status == "error"
    assert book.run("print(x)").text() == "1\n"


def test_an_interrupt_ends_a_command(book: Notebook) -> None:
    book.run("x = 41")
    command = "%era exec --all --timeout 60 --cmd 'echo begun; sleep 50'"
    result = book.run(command, on_output=partial(interrupt, book))
    assert result.status == "error"
    assert result.elapsed < 15
    assert book.run("print(x)").text() == "41\n"


def test_another_vm_takes_the_cells(book: Notebook) -> None:
    book.run("x = 1")
    vm_id = book.run("%era create --language python").text().strip()
    assert book.run(f"%era use {vm_id}").status == "ok"
    assert book.run("'x' in globals()").data[0]["text/plain"] == "False"
    assert book.run("import socket; print(socket.gethostname())").text().strip() == vm_id
    book.run(f"%era clean --vm {vm_id}")


def test_a_misspelt_command_names_the_nearest(book: Notebook) -> None:
    assert "Did you mean 'list'?" in book.run("%era lst").error["evalue"]
    assert "Did you mean '--status'?" in book.run("%era list --staus ready").error["evalue"]


def test_commands_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERA_CELL_COMMANDS", "0")
    with notebook() as book:
        result = book.run("%era list")
        assert result.error["evalue"].startswith("`%era` is off here")
        assert book.value("1 + 1") == "2"


def _vm(book: Notebook) -> str:
    """The VM of the notebook: its name there."""
    return book.value("__import__('os').uname().nodename").strip("'")
