"""A driver asked for before there is an event loop, and the session that takes it over."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from pathlib import Path

import pytest

import era_kernel.guest
from era_kernel.errors import UnknownVmError, VmLostError
from era_kernel.languages import LanguageSpec
from era_kernel.languages.python import PYTHON
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.protocol import driver
from era_kernel.service.dial import Dialed, dial_driver, dial_running
from era_kernel.service.manager import Manager
from era_kernel.service.session import Session
from tests.unit.service.support import IMAGE

pytestmark = pytest.mark.timeout(60)

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/python/driver.py"


class Events:
    """A front end that keeps the text."""

    def __init__(self) -> None:
        self.printed = b""

    def text(self, name: str, data: bytes) -> None:
        self.printed += data

    def event(self, request: str, event: driver.Event) -> None:
        """Nothing else is asked for."""


@pytest.fixture
def language() -> LanguageSpec:
    """Python, with the driver where it is on this host."""
    return dataclasses.replace(PYTHON, driver=(sys.executable, "-I", str(DRIVER)))


@pytest.fixture
def vm(manager: Manager, state: StatePaths, monkeypatch: pytest.MonkeyPatch) -> VmRecord:
    """The VM that python notebooks share, up."""
    monkeypatch.setenv("AGENT_STATE_DIR", str(state.root))
    return manager.kernel_vm("python", image=IMAGE)


async def printed(dialed: Dialed, code: str) -> bytes:
    """What a cell prints in the session that takes a connection over."""
    events = Events()
    client, session = await Session.take_over(dialed, events)
    await session.wait_ready()
    content = {"code": code, "silent": False, "user_expressions": {}, "allow_stdin": False, "execution_count": 1}
    await session.execute(content, on_start=lambda request: None)
    await client.close()
    return events.printed


def test_a_vm_that_is_up_is_dialled(vm: VmRecord, language: LanguageSpec) -> None:
    for vm_id in ("", vm.id):
        dialed = dial_running(language, vm_id)
        assert dialed is not None
        assert asyncio.run(printed(dialed, "print(6 * 7)")) == b"42\n"


def test_what_the_vm_said_before_the_session_was_there_is_not_lost(vm: VmRecord, language: LanguageSpec) -> None:
    dialed = dial_running(language, "")
    assert dialed is not None
    dialed.connection.setblocking(True)
    while b'"ready"' not in dialed.connection.recv(1 << 16, 2):  # MSG_PEEK
        pass
    dialed.connection.setblocking(False)
    assert asyncio.run(printed(dialed, "print('late')")) == b"late\n"


def test_only_the_language_s_own_vm_that_is_up_is_dialled(
    manager: Manager, vm: VmRecord, language: LanguageSpec
) -> None:
    manager.create("python", image=IMAGE)
    assert dial_running(dataclasses.replace(language, name="other"), "") is None
    assert dial_running(language, "python-00000000") is None
    manager.stop([vm.id])
    assert dial_running(language, "") is None
    assert dial_running(language, vm.id) is None


def test_a_vm_that_is_not_up_is_brought_up(manager: Manager, vm: VmRecord, language: LanguageSpec) -> None:
    manager.stop([vm.id])
    lines: list[str] = []
    dialed = dial_driver(language, "", lines.append)
    assert dialed.paths.folder.name == vm.id
    assert lines == [f"booting {vm.id}"]
    assert asyncio.run(printed(dialed, "print('up')")) == b"up\n"


def test_a_vm_that_nobody_knows_is_an_error(vm: VmRecord, language: LanguageSpec) -> None:
    with pytest.raises(UnknownVmError):
        dial_driver(language, "python-00000000", print)


def test_a_vm_that_goes_down_after_the_call_is_told(manager: Manager, vm: VmRecord, language: LanguageSpec) -> None:
    dialed = dial_running(language, "")
    assert dialed is not None
    manager.stop([vm.id])
    with pytest.raises(VmLostError):
        asyncio.run(printed(dialed, "1"))


def test_a_registry_that_cannot_be_read_is_no_vm(vm: VmRecord, state: StatePaths, language: LanguageSpec) -> None:
    for text in ("", "{", '{"vms": {"1": {"id": "../../etc"}}}', '{"vms": 1}'):
        state.registry.write_text(text)
        assert dial_running(language, "") is None
