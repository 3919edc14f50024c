"""What the panel shows, and what pressing its buttons means. Sans-IO: looks at VMs come in, rows go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from era_kernel.models import VmState
from era_kernel.panel.cells import UNKNOWN, Bar, Cell, State, duration
from era_kernel.progress import Stage, Step
from era_kernel.service.results import VmView
from era_kernel.text import printable

COLUMNS = ("VM", "Language", "State", "CPU", "Memory", "Up", "Sessions", "Snapshot", "Network")
ASKED_SECONDS = 6.0
"""How long a press of `clean` waits for the second one."""
SHORTEST_LOOK = 0.2
"""Seconds between two looks from which a share of processor time is worked out."""
MAX_NOTE = 1000


class Action(StrEnum):
    """What the buttons of a row do."""

    START = "start"
    STOP = "stop"
    CLEAN = "clean"


class Work(StrEnum):
    """What the panel does that belongs to no row yet."""

    NEW = "new"
    TEMP = "temp"


_DOING = {Action.START: "starting …", Action.STOP: "stopping …", Action.CLEAN: "cleaning …"}


@dataclass(frozen=True)
class Note:
    """A line beside what it is about; `failed`: it tells of an error."""

    text: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Row:
    """One VM. `cpu`: its share of its own vCPUs since the look before, from 0 to 1, None where that is not known.

    `asks`: `clean` was pressed once, and waits for the second time.
    """

    view: VmView
    cpu: float | None = None
    note: Note = Note()
    asks: bool = False

    @property
    def id(self) -> str:
        return self.view.record.id

    @property
    def power(self) -> Action:
        """What its first button does."""
        return Action.START if self.view.record.state is VmState.STOPPED else Action.STOP


@dataclass(frozen=True)
class Progress:
    """How far something is that is made once; `share` from 0 to 1."""

    text: str
    share: float


class Panel:
    """The panel's state. Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self.trouble = ""
        """Why VMs cannot be looked at, if they cannot."""
        self._views: dict[str, VmView] = {}
        self._cpu: dict[str, float] = {}
        self._looked: tuple[float, dict[str, float]] | None = None
        self._notes: dict[str, Note] = {}
        self._doing: dict[str, Progress | None] = {}
        self._asked: dict[str, float] = {}

    # ---- what is known

    def seen(self, views: Sequence[VmView], cpu_seconds: Mapping[str, float], now: float) -> None:
        """A look at all VMs, `cpu_seconds` being what each has used of the host's processors so far."""
        self.trouble = ""
        self._views = {view.record.id: view for view in views}
        gone = (self._notes.keys() | self._asked.keys()) - self._views.keys() - set(Work)
        for vm_id in gone:
            self._notes.pop(vm_id, None)
            self._asked.pop(vm_id, None)
        if self._looked is None:
            self._looked = now, dict(cpu_seconds)
        elif now - self._looked[0] >= SHORTEST_LOOK:
            self._cpu = self._shares(cpu_seconds, now, *self._looked)
            self._looked = now, dict(cpu_seconds)

    def _shares(
        self, used: Mapping[str, float], now: float, before: float, used_before: Mapping[str, float]
    ) -> dict[str, float]:
        shares = {}
        for vm_id, view in self._views.items():
            if vm_id in used and vm_id in used_before and used[vm_id] >= used_before[vm_id]:
                share = (used[vm_id] - used_before[vm_id]) / (now - before) / view.record.spec.cpu
                shares[vm_id] = min(1.0, share)
        return shares

    # ---- what is done

    def press(self, action: Action, vm_id: str, now: float) -> bool:
        """A row's button: whether the action is to be done now. `clean` asks once first."""
        if vm_id not in self._views or vm_id in self._doing:
            return False
        if action is Action.CLEAN and not self._is_asked(vm_id, now):
            self._asked[vm_id] = now
            self._notes[vm_id] = Note(f"Delete {vm_id} and all that is on its disk? Press again.")
            return False
        self._asked.pop(vm_id, None)
        self.begin(vm_id, _DOING[action])
        return True

    def _is_asked(self, vm_id: str, now: float) -> bool:
        return vm_id in self._asked and now - self._asked[vm_id] < ASKED_SECONDS

    def begin(self, key: str, text: str) -> bool:
        """Something is being done for a VM, or a Work; False when that is under way already."""
        if key in self._doing:
            return False
        self._doing[key] = None
        self._notes[key] = Note(text)
        return True

    def step(self, key: str, line: str) -> None:
        """How that goes: a line for people, which moves the bar when it is a Step."""
        if key not in self._doing:
            return
        if isinstance(line, Step):
            self._doing[key] = Progress(f"{_short(line)} ({line.stage.value} of {len(Stage)})", line.stage / len(Stage))
        else:
            self._notes[key] = Note(_short(line))

    def end(self, key: str, error: str = "") -> None:
        """It is over; `error`: why it failed, shown in its place until something else is done there."""
        self._doing.pop(key, None)
        self._notes[key] = Note(_short(error), failed=True) if error else Note()

    def is_doing(self, key: str) -> bool:
        return key in self._doing

    # ---- what is shown

    def rows(self, now: float) -> list[Row]:
        """The VMs, in the order in which they were made."""
        for vm_id in [each for each in self._asked if not self._is_asked(each, now)]:
            del self._asked[vm_id]
            self._notes.pop(vm_id, None)
        return [
            Row(view, self._cpu.get(vm_id), self.note(vm_id), asks=vm_id in self._asked)
            for vm_id, view in self._views.items()
        ]

    def note(self, key: str) -> Note:
        return self._notes.get(key, Note())

    @property
    def progress(self) -> Progress | None:
        """Of what is being made, the last begun; None when nothing is that takes stages."""
        return next((each for each in reversed(self._doing.values()) if each is not None), None)


def cells(row: Row) -> tuple[Cell, ...]:
    """A row under COLUMNS."""
    view, record = row.view, row.view.record
    is_up = record.state in (VmState.READY, VmState.RUNNING)
    return (
        record.id,
        record.spec.language,
        State(record.state),
        Bar(row.cpu, f"{row.cpu:.0%}") if is_up and row.cpu is not None else UNKNOWN,
        memory(view),
        UNKNOWN if view.uptime is None else duration(view.uptime),
        UNKNOWN if view.sessions is None else str(view.sessions),
        "yes" if view.snapshot else "no",
        record.spec.network.value,
    )


def memory(view: VmView) -> Cell:
    """What of a VM's memory is in use, else how much it has."""
    mem = view.record.spec.mem
    return f"{mem} MiB" if view.mem_used is None else Bar(view.mem_used / mem, f"{view.mem_used}/{mem} MiB")


def _short(text: str) -> str:
    """One line, harmless: it may quote a guest."""
    return printable(text)[:MAX_NOTE]
