"""Kernels with a VM of their own each, as graders start them: by the kernelspec's name alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from era_kernel.kernel.install import install_spec, spec_name
from era_kernel.languages.python import PYTHON
from era_kernel.models import Purpose
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.manager import Manager
from tests.conformance.notebook import notebook
from tests.unit.service.support import eventually, left_over

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

KERNEL = spec_name(PYTHON, temporary=True)
TASK = "def triangle(n):\n    return n * (n + 1) // 2"
CHECK = "print(triangle(100))"
MARK = "/root/was-here"
HOSTILE = [
    f"""
import os
open({MARK!r}, "w").write("me")
print(os.listdir("/persist") if os.path.isdir("/persist") else [])
""",
    # nearly all that is free is taken without being written: the next bytes do not fit
    """
disk = os.statvfs("/root")
with open("/root/fill", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_bsize * 99 // 100)
    file.seek(0, 2)
    while True:
        file.write(bytes(1 << 24))
        file.flush()
""",
    """
import subprocess
for _ in range(60):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
print("forked")
""",
    "def triangle(n):\n    return 'full marks'",
]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StatePaths]:
    """A state folder of the test's own, and Jupyter with the kernelspec; nothing is left in the folder at the end."""
    monkeypatch.setenv("AGENT_STATE_DIR", str(tmp_path / "state"))
    install_spec(PYTHON, tmp_path / "jupyter" / "kernels", sys.executable, temporary=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    opened = open_state()
    try:
        yield opened
        assert eventually(lambda: left_over(opened) == {}), left_over(opened)
    finally:
        Manager(opened).clean(None)


def submission(*cells: str) -> NotebookNode:
    """What a student hands in, and the teacher's check after it."""
    cells = (*cells, CHECK, f"import os; print(os.path.exists({MARK!r}), os.uname().nodename)")
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def printed(book: NotebookNode, number: int) -> str:
    """What a cell printed."""
    return "".join(output.get("text", "") for output in book.cells[number].outputs).strip()


def grader(book: NotebookNode) -> NotebookClient:
    return NotebookClient(book, kernel_name=KERNEL, timeout=120, allow_errors=True)


def test_submissions_are_graded_each_in_a_vm_of_its_own(state: StatePaths) -> None:
    honest, hostile = submission(TASK), submission(*HOSTILE)

    async def grade_both() -> None:
        await asyncio.gather(grader(hostile).async_execute(), grader(honest).async_execute())

    asyncio.run(grade_both())
    assert printed(honest, -2) == "5050"
    assert printed(hostile, -2) != "5050"
    assert printed(hostile, 0) == "[]"
    assert [output.ename for output in hostile.cells[1].outputs if output.output_type == "error"] == ["OSError"]
    assert printed(hostile, 2) == "forked"
    (untouched, one), (marked, other) = (printed(book, -1).split() for book in (honest, hostile))
    assert (untouched, marked) == ("False", "True")
    assert one != other


def test_the_next_submission_finds_nothing_of_the_one_before(state: StatePaths) -> None:
    first, second = submission(*HOSTILE[:1]), submission(TASK)
    for book in (first, second):
        grader(book).execute()
        assert eventually(lambda: left_over(state) == {}), left_over(state)
    assert printed(second, -1).split()[0] == "False"


def test_a_restart_gives_a_fresh_vm(state: StatePaths) -> None:
    with notebook(KERNEL) as book:
        book.run(f"open({MARK!r}, 'w').close()")
        (before,) = Manager(state).list()
        assert before.record.purpose is Purpose.TEMP
        book.manager.restart_kernel()
        book.client.wait_for_ready(timeout=120)
        assert book.value(f"__import__('os').path.exists({MARK!r})") == "False"
        (after,) = Manager(state).list()
        assert after.record.id != before.record.id


def test_its_cells_command_no_vms(state: StatePaths) -> None:
    """Nobody trusts them: they must not clean other VMs away, nor read the host's files."""
    with notebook(KERNEL) as book:
        for command in ("%era clean --all", "%era list", "%%era temp --language python\nls", "%era help"):
            assert "is off in this kernel" in book.run(command).error["evalue"], command
        assert book.value("1 + 1") == "2"


def test_a_killed_kernel_leaves_nothing(state: StatePaths) -> None:
    """Nobody looks at the VMs meanwhile: the shim sees to it."""
    with notebook(KERNEL) as book:
        assert book.value("1 + 1") == "2"
        assert left_over(state)
        os.kill(book.manager.provisioner.pid, signal.SIGKILL)
        assert eventually(lambda: left_over(state) == {}), left_over(state)


def test_a_vm_that_ends_under_its_kernel_is_followed_by_a_fresh_one(state: StatePaths) -> None:
    with notebook(KERNEL) as book:
        assert book.value("1 + 1") == "2"
        (before,) = Manager(state).list()
        Manager(state).stop([before.record.id])
        assert left_over(state).keys() <= {"processes"}
        result = book.run("1 + 1", timeout=120)
        assert result.status == "ok"
        assert "fresh" in result.text("stderr")
        (after,) = Manager(state).list()
        assert after.record.id != before.record.id
