"""`%load_ext era_kernel` in an ordinary IPython notebook."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.notebook import Message, Notebook, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """IPython's own kernel of this environment, whatever kernels the machine has."""
    from ipykernel.kernelspec import write_kernel_spec

    folder = tmp_path_factory.mktemp("jupyter")
    write_kernel_spec(str(folder / "kernels" / "ipython-here"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder), prepend=os.pathsep)
        with notebook("ipython-here") as running:
            assert running.value("__import__('sys').executable") == repr(sys.executable)
            assert running.run("%load_ext era_kernel").status == "ok"
            yield running


def interrupt(book: Notebook, output: Message) -> None:
    """At the first text: a second interrupt would strike the kernel itself."""
    if output["msg_type"] == "stream" and "begun" in output["content"]["text"]:
        book.manager.interrupt_kernel()


def test_a_cell_goes_to_a_session_that_keeps_its_variables(book: Notebook) -> None:
    assert book.run("%%era --language python\nx = 41\nprint('in the VM')").text() == "in the VM\n"
    result = book.run("%%era --language python\nx + 1")
    assert result.data[0]["text/plain"] == "42"
    assert book.run("x").status == "error", "the notebook's own Python has no such variable"


def test_loading_it_again_keeps_sessions(book: Notebook) -> None:
    book.run("%%era --language python\nkept = 1")
    assert book.run("%reload_ext era_kernel").status == "ok"
    assert book.run("%%era --language python\nkept").data[0]["text/plain"] == "1"


def test_text_can_be_bound(book: Notebook) -> None:
    book.run("%%era --language python --out said\nprint('hello')")
    assert book.value("said") == repr("hello\n")


def test_rich_output_is_filtered_and_shown(book: Notebook) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
    result = book.run(f"%%era --language python\n{code}", timeout=120)
    assert any("image/png" in data for data in result.data)


def test_an_error_is_the_guests_alone(book: Notebook) -> None:
    result = book.run("%%era --language python\n1 / 0")
    assert result.status == "error"
    text = "\n".join(result.error["traceback"])
    assert "ZeroDivisionError" in text
    assert "era_kernel" not in text


def test_an_interrupt_reaches_the_vm(book: Notebook) -> None:
    book.run("%%era --language python\ny = 5")
    cell = "%%era --language python\nprint('begun', flush=True)\nwhile True: pass"
    result = book.run(cell, on_output=partial(interrupt, book))
    assert result.status == "error"
    assert result.elapsed < 15
    assert book.run("%%era --language python\nprint(y)").text() == "5\n"


def test_an_interrupt_before_the_vm_is_there_is_one_line(book: Notebook) -> None:
    """The session that it would have waited for is new: its VM is not attached to yet."""
    slow = "import era_kernel.extension.sessions as module, asyncio\nold = module.VmConnection.session"
    book.run(f"{slow}\nasync def later(self): await asyncio.sleep(30)\nmodule.VmConnection.session = later")
    kernel: Any = book.manager.provisioner
    timer = threading.Timer(1, os.kill, (kernel.pid, signal.SIGINT))
    timer.start()
    result = book.run("%%era --language bash\necho 1")
    timer.join()
    book.run("module.VmConnection.session = old")
    assert result.elapsed < 15
    assert result.error["traceback"] == ["KeyboardInterrupt: the cell was interrupted before it reached its VM"]


def test_a_command_that_was_interrupted_says_so(book: Notebook) -> None:
    book.run("%%era --language python\n1")
    result = book.run("%era exec --all --cmd 'echo begun; sleep 50'", on_output=partial(interrupt, book))
    assert result.error["evalue"] == "`%era exec` was interrupted"


def test_a_bug_is_one_line_too(book: Notebook) -> None:
    book.run("import era_kernel.extension.sessions as module\nold = module.find_language")
    book.run("module.find_language = lambda name: 1 / 0")
    error = book.run("%%era --language bash\necho 1").error
    book.run("module.find_language = old")
    assert error["traceback"] == ["Era: ZeroDivisionError: division by zero. This is a bug of era_kernel"]


def test_a_question_is_asked_here(book: Notebook) -> None:
    cell = "%%era --language python\nprint('hello', input('name? '))"
    assert "hello Ada" in book.run(cell, answers=("Ada",)).text()


def test_commands_are_those_of_an_era_kernel(book: Notebook) -> None:
    book.run("%%era --language python\n1")
    result = book.run("%era list")
    assert "<table" in result.data[0]["text/html"]
    assert "Usage: %era" in book.run("%era").text()
    assert book.run("%%era exec --all\necho '$HOME {x}'").text().endswith("| $HOME {x}\n")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%era lst", "lst"),
        ("%era stop", "No VM is named"),
        ("%%era --language cobol\n1", "Unsupported language"),
        ("%%era --vm none-such\n1", "none-such"),
        ("%%era --lang python\n1", "--lang"),
        ("%%era --language python --out 1x\n1", "1x"),
        ("%era use some-vm", "%%era --vm"),
        ("%%era --vm none-such\n1", "`%era list --all`"),
        ("%%era --langage python\n1", "Did you mean '--language'? Write"),
        ("%%era --language python --out class\n1", "'class' is no name"),
        ("%era --language python", "`%era --language` needs code below it. Write `%%era --language"),
    ],
)
def test_a_failure_is_one_line(book: Notebook, cell: str, said: str) -> None:
    result = book.run(cell)
    assert result.status == "error"
    assert said in result.error["evalue"]
    assert len(result.error["traceback"]) == 1


def test_a_vm_of_another_language_is_refused(book: Notebook) -> None:
    book.run("%%era --language python\n1")
    vm = str(book.run("%era list").data[0]["text/plain"]).split("\n")[1].split()[0]
    error = book.run(f"%%era --vm {vm} --language node\n1").error
    assert f"{vm} is a VM for python, not for node" in error["evalue"]
    assert book.run(f"%%era --vm {vm} --language python\n1").status == "ok"


def test_errors_have_the_names_that_an_era_kernel_gives_them(book: Notebook) -> None:
    assert book.run("%era lst").error["traceback"][0].startswith("Command: ")


def test_a_cell_magic_without_a_body_is_refused(book: Notebook) -> None:
    result = book.run("%%era --language python")
    assert result.status == "error"
    assert "body is empty" in result.text("stderr"), "IPython's own answer"
    assert book.run("%%era --language python\n  ").error["evalue"].startswith("`%%era` has no cell below it")


def test_a_command_is_completed(book: Notebook) -> None:
    book.client.complete("%era li", 7)
    reply = book.client.get_shell_msg(timeout=30)
    assert reply["content"]["matches"] == ["list"]
    for typed, match in [("%era list --st", "--status"), ("%%era --l", "--language"), ("%%era --language ru", "ruby")]:
        book.client.complete(typed, len(typed))
        content = book.client.get_shell_msg(timeout=30)["content"]
        assert content["matches"] == [match]
        assert typed[: content["cursor_start"]] == typed.removesuffix(typed.split()[-1])


@pytest.mark.parametrize("typed", ["%era list?", "%era list ??", "%%era list --all?"])
def test_help_is_asked_for_by_a_question_mark(book: Notebook, typed: str) -> None:
    assert book.run(typed).text().startswith("Usage: %era list")


def test_a_question_mark_of_python_is_pythons(book: Notebook) -> None:
    assert book.value("'''\n%era list?\n'''") == repr("\n%era list?\n")
    assert book.run("%era?").text().startswith("Usage: %era [OPTIONS]")


def test_the_source_of_the_package_is_this_one(book: Notebook) -> None:
    here = Path(__file__).parents[2] / "era_kernel" / "__init__.py"
    assert book.value("__import__('era_kernel').__file__") == repr(str(here))
