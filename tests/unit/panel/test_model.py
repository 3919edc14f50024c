"""The panel without widgets: what it shows after what was seen and pressed."""

from __future__ import annotations

import pytest

from era_kernel.models import VmState
from era_kernel.panel.cells import Bar, State, duration
from era_kernel.panel.model import ASKED_SECONDS, COLUMNS, MAX_NOTE, Action, Note, Panel, Progress, Row, Work, cells
from era_kernel.progress import Stage, Step
from tests.unit.panel.support import STOPPED, view

ONE = view(1).record.id
TWO = STOPPED.record.id


@pytest.fixture
def panel() -> Panel:
    """With one VM that is up and one that is stopped, seen at 0."""
    made = Panel()
    made.seen([view(1), STOPPED], {ONE: 10.0}, 0.0)
    return made


def row(panel: Panel, vm_id: str, now: float = 0.0) -> Row:
    return next(each for each in panel.rows(now) if each.id == vm_id)


def test_a_row_says_all_of_a_vm(panel: Panel) -> None:
    panel.seen([view(1, VmState.RUNNING), STOPPED], {ONE: 10.5}, 2.0)
    up, stopped = map(cells, panel.rows(2.0))
    assert len(up) == len(stopped) == len(COLUMNS)
    assert up == (
        ONE, "python", State(VmState.RUNNING), Bar(0.25, "25%"), Bar(0.25, "64/256 MiB"), "1 min", "0", "no", "none",
    )  # fmt: skip
    assert stopped == (TWO, "python", State(VmState.STOPPED), "–", "256 MiB", "–", "–", "yes", "none")


def test_cpu_is_a_share_of_the_vms_own_processors() -> None:
    panel = Panel()
    panel.seen([view(1, cpu=2)], {ONE: 1.0}, 10.0)
    assert row(panel, ONE).cpu is None, "one look knows no share"
    panel.seen([view(1, cpu=2)], {ONE: 2.0}, 11.0)
    assert row(panel, ONE).cpu == 0.5
    panel.seen([view(1, cpu=2)], {ONE: 2.1}, 11.01)
    assert row(panel, ONE).cpu == 0.5, "too soon to tell anew"
    panel.seen([view(1, cpu=2)], {ONE: 99.0}, 12.0)
    assert row(panel, ONE).cpu == 1.0
    panel.seen([view(1, cpu=2)], {ONE: 0.1}, 13.0)
    assert row(panel, ONE).cpu is None, "it was started anew"


def test_the_first_button_starts_what_is_stopped_and_stops_what_is_up(panel: Panel) -> None:
    assert row(panel, ONE).power is Action.STOP
    assert row(panel, TWO).power is Action.START


def test_an_action_is_done_once_until_it_is_over(panel: Panel) -> None:
    assert panel.press(Action.STOP, ONE, 0.0)
    assert row(panel, ONE).note == Note("stopping …")
    assert not panel.press(Action.STOP, ONE, 0.1)
    assert not panel.press(Action.CLEAN, ONE, 0.1)
    assert panel.press(Action.START, TWO, 0.1), "another VM is another matter"
    panel.end(ONE)
    assert row(panel, ONE).note == Note()
    assert panel.press(Action.STOP, ONE, 0.2)


def test_clean_asks_once(panel: Panel) -> None:
    assert not panel.press(Action.CLEAN, ONE, 0.0)
    assert row(panel, ONE).asks
    assert "Press again" in row(panel, ONE).note.text
    assert panel.press(Action.CLEAN, ONE, 1.0)
    assert not row(panel, ONE).asks


def test_a_question_is_forgotten_after_a_while(panel: Panel) -> None:
    panel.press(Action.CLEAN, ONE, 0.0)
    assert not row(panel, ONE, ASKED_SECONDS).asks
    assert row(panel, ONE, ASKED_SECONDS).note == Note()
    assert not panel.press(Action.CLEAN, ONE, ASKED_SECONDS + 1), "it asks again"


def test_another_button_takes_the_question_back(panel: Panel) -> None:
    panel.press(Action.CLEAN, ONE, 0.0)
    assert panel.press(Action.STOP, ONE, 0.1)
    panel.end(ONE)
    assert not panel.press(Action.CLEAN, ONE, 0.2)


def test_an_error_stays_in_its_place_until_the_next_action(panel: Panel) -> None:
    panel.press(Action.STOP, ONE, 0.0)
    panel.end(ONE, "It does\nnot \x1b[31mend")
    assert row(panel, ONE).note == Note("It does not \\x1b[31mend", failed=True)
    panel.seen([view(1), STOPPED], {}, 1.0)
    assert row(panel, ONE).note.failed
    assert row(panel, TWO).note == Note()
    panel.press(Action.STOP, ONE, 2.0)
    assert not row(panel, ONE).note.failed


def test_a_long_error_is_cut(panel: Panel) -> None:
    panel.end(Work.NEW, "x" * 10_000)
    assert len(panel.note(Work.NEW).text) == MAX_NOTE


def test_a_vm_that_went_away_takes_its_note_along(panel: Panel) -> None:
    panel.press(Action.CLEAN, ONE, 0.0)
    panel.end(Work.NEW, "no image")
    panel.seen([STOPPED], {}, 1.0)
    assert [each.id for each in panel.rows(1.0)] == [TWO]
    panel.seen([view(1), STOPPED], {}, 2.0)
    assert row(panel, ONE, 2.0).note == Note()
    assert panel.note(Work.NEW) == Note("no image", failed=True)
    assert not panel.press(Action.STOP, "python-ffffffff", 2.0), "nobody's row"


def share(panel: Panel) -> float | None:
    return None if panel.progress is None else panel.progress.share


def test_stages_move_a_bar_and_other_lines_are_notes(panel: Panel) -> None:
    assert share(panel) is None
    assert panel.begin(Work.NEW, "making a VM")
    assert not panel.begin(Work.NEW, "making a VM")
    panel.step(Work.NEW, "waiting for somebody")
    assert share(panel) is None
    assert panel.note(Work.NEW) == Note("waiting for somebody")
    shares: list[float | None] = []
    for stage in Stage:
        panel.step(Work.NEW, Step(stage, "making\nsomething"))
        shares.append(share(panel))
        assert panel.progress == Progress(f"making something ({stage.value} of {len(Stage)})", stage / len(Stage))
    assert shares[-1] == 1.0
    panel.end(Work.NEW)
    assert share(panel) is None
    panel.step(Work.NEW, "late")
    assert panel.note(Work.NEW) == Note(), "what is over says nothing more"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_times_are_read_by_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
