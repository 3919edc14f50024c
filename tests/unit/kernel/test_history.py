"""A kernel's history, as front ends ask for it."""

from __future__ import annotations

from era_kernel.kernel.history import MAX_CELLS, History


def history(*cells: str) -> History:
    result = History()
    for number, cell in enumerate(cells, 1):
        result.add(number, cell)
    return result


def test_tail_is_the_newest() -> None:
    assert history("a", "b", "c").tail(2) == [(0, 2, "b"), (0, 3, "c")]
    assert history("a").tail(0) == []


def test_range_is_half_open() -> None:
    assert [text for _, _, text in history("a", "b", "c").range(2, 3)] == ["b"]
    assert [text for _, _, text in history("a", "b", "c").range(2, None)] == ["b", "c"]


def test_search_globs_and_can_be_unique() -> None:
    cells = history("x = 1", "y = 2", "x = 1")
    assert cells.search("x*", None, unique=False) == [(0, 1, "x = 1"), (0, 3, "x = 1")]
    assert cells.search("x*", None, unique=True) == [(0, 3, "x = 1")]
    assert cells.search("*", 1, unique=False) == [(0, 3, "x = 1")]


def test_history_is_bounded() -> None:
    cells = history(*(str(number) for number in range(MAX_CELLS + 5)))
    assert len(cells.tail(10 * MAX_CELLS)) == MAX_CELLS
