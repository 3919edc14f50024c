"""Figures: which goal is met, and what the table shows of them."""

from __future__ import annotations

import pytest

from tests.benchmarks.figure import Better, Figure, Goal, number, table


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (None, None),
        (Goal(20), True),
        (Goal(19.9), False),
        (Goal(20, Better.MORE), True),
        (Goal(20.1, Better.MORE), False),
        (Goal(2.0, beside=True), True),
        (Goal(1.9, beside=True), False),
        (Goal(2.1, Better.MORE, beside=True), False),
    ],
)
def test_a_goal_is_for_the_median_or_for_its_ratio_to_ipykernels(goal: Goal | None, met: bool | None) -> None:
    figure = Figure("some", "ms", (90.0, 20.0, 10.0), beside=(1.0, 10.0, 50.0), goal=goal)
    assert figure.met is met


def test_a_goal_beside_nothing_is_not_met() -> None:
    assert Figure("some", "ms", (1.0,), goal=Goal(1.0, beside=True)).met is False


def test_the_table_has_the_columns_that_any_figure_needs() -> None:
    plain = Figure("plain", "s", (1.0, 3.0))
    assert table([plain]).splitlines() == [
        "| figure | median | least – most | n |",
        "| ------ | ------ | ------------ | - |",
        "| plain  | 2.00 s | 1.00 – 3.00  | 2 |",
    ]
    compared = Figure("compared", "ms", (150.0,), (100.0,), Goal(1.0, beside=True))
    assert table([plain, compared]).splitlines()[-1] == (
        "| compared | 150 ms | 150 – 150    | 100 ms       | 1.50  | ≤ 1 × the other | no  | 1 |"
    )


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1234"), (99.94, "99.9"), (9.994, "9.99"), (0.0, "0.00")])
def test_a_number_has_three_figures(value: float, text: str) -> None:
    assert number(value) == text
