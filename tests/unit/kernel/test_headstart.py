"""Which command lines get a head start, and how the kernel's connection takes it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from era_kernel.errors import BootError, EraError, VmLostError
from era_kernel.kernel import connection, headstart
from era_kernel.kernel.connection import VmConnection
from era_kernel.kernel.headstart import HeadStart, begin
from era_kernel.languages.python import PYTHON
from era_kernel.protocol import driver
from era_kernel.service.dial import Dialed

pytestmark = pytest.mark.timeout(30)


class Events:
    def text(self, name: str, data: bytes) -> None:
        """Nothing runs here."""

    def event(self, request: str, event: driver.Event) -> None:
        """Nothing runs here."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What VMs are asked for; none of them comes up."""
    asked: list[tuple[str, str]] = []

    def fail(language: Any, vm_id: str, report: Any) -> Dialed:
        asked.append((language.name, vm_id))
        report("booting")
        raise BootError("no luck")

    monkeypatch.setattr(headstart, "dial_running", lambda language, vm_id: None)
    monkeypatch.setattr(headstart, "dial_driver", fail)
    for module in (headstart, connection):
        monkeypatch.setattr(module, "dial_own", lambda language, report: fail(language, "its own", report))
    monkeypatch.setattr(connection, "dial_driver", fail)
    return asked


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["-f", "file", "--language", "python"], ("python", "")),
        (["-f", "file", "--language", "py"], ("python", "")),
        (["-f", "file", "--language", "python", "--vm", "python-0badcafe"], ("python", "python-0badcafe")),
        (["-f", "file", "--language", "python", "--temp"], ("python", "its own")),
    ],
)
def test_a_kernelspec_s_command_line_begins(
    begun: list[tuple[str, str]], argv: list[str], wanted: tuple[str, str]
) -> None:
    found = begin(argv)
    assert found is not None
    temporary = wanted[1] == "its own"
    way = found.take(PYTHON, "" if temporary else wanted[1], lambda line: None, temporary=temporary)
    assert way is not None
    with pytest.raises(BootError):
        way.result(10)
    assert begun == [wanted]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--help"],
        ["-f", "file"],
        ["-f", "file", "--language", "cobol"],
        ["-f", "file", "--language", "python", "--debug"],
        ["-f", "file", "--language", "python", "--EraKernel.vm=python-0badcafe"],
    ],
)
def test_no_other_command_line_begins(begun: list[tuple[str, str]], argv: list[str]) -> None:
    assert begin(argv) is None
    assert begun == []


def test_a_head_start_for_another_vm_is_not_taken(begun: list[tuple[str, str]]) -> None:
    assert HeadStart(PYTHON, "").take(PYTHON, "python-0badcafe", lambda line: None) is None
    assert HeadStart(PYTHON, "").take(PYTHON, "", lambda line: None, temporary=True) is None


def test_a_temporary_kernel_asks_for_a_new_vm_each_time(begun: list[tuple[str, str]]) -> None:
    async def ask_twice() -> None:
        way = VmConnection(PYTHON, "", Events(), lambda line: None, temporary=True)
        for _ in range(2):
            with pytest.raises(BootError, match="no luck"):
                await way.session()

    asyncio.run(ask_twice())
    assert begun == [("python", "its own")] * 2


def test_what_fails_in_a_head_start_is_told_to_the_first_who_asks_and_the_next_tries_again(
    begun: list[tuple[str, str]],
) -> None:
    async def ask_twice() -> None:
        way = VmConnection(PYTHON, "", Events(), lambda line: None, HeadStart(PYTHON, ""))
        for count in (1, 2):
            with pytest.raises(BootError, match="no luck"):
                await way.session()
            assert len(begun) == count

    asyncio.run(ask_twice())


def test_a_vm_that_went_down_under_a_head_start_is_brought_up_again(
    begun: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        start = HeadStart(PYTHON, "")
        lost: Future[Dialed] = Future()
        lost.set_exception(VmLostError("it was just going down"))
        monkeypatch.setattr(start, "_future", lost)
        before = len(begun)
        with pytest.raises(EraError, match="no luck"):  # which is the second try
            await VmConnection(PYTHON, "", Events(), lambda line: None, start).session()
        assert len(begun) == before + 1

    asyncio.run(ask())
