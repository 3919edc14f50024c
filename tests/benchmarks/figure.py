"""What a benchmark gives: figures, each with all that was measured, and whether it meets its goal."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


class Better(enum.Enum):
    """Which way a figure improves."""

    LESS = "≤"
    MORE = "≥"


@dataclass(frozen=True)
class Goal:
    """What the median has to be, in the figure's unit, or as a ratio to the other kernel's median with `beside`."""

    limit: float
    better: Better = Better.LESS
    beside: bool = False

    def met(self, value: float) -> bool:
        return value <= self.limit if self.better is Better.LESS else value >= self.limit


@dataclass(frozen=True)
class Figure:
    """One row. `values`, and `beside` (the other kernel's of the same rounds, if it can do that too), are in `unit`."""

    name: str
    unit: str
    values: tuple[float, ...]
    beside: tuple[float, ...] = ()
    goal: Goal | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Our median by the other kernel's."""
        return self.median / statistics.median(self.beside) if self.beside else None

    @property
    def met(self) -> bool | None:
        """None for a figure without a goal."""
        if self.goal is None:
            return None
        if not self.goal.beside:
            return self.goal.met(self.median)
        return self.ratio is not None and self.goal.met(self.ratio)


COLUMNS = ("figure", "median", "least – most", "other kernel", "ratio", "goal", "met", "n")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, in their order, without the columns that say nothing of any of them."""
    columns = zip(COLUMNS, *(_row(figure) for figure in figures), strict=True)
    names, *rows = zip(*(column for column in columns if any(column[1:])), strict=True)
    return markdown(names, rows)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose source is aligned too: it is read in a terminal as often."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (columns, rule, *rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{number(figure.median)} {figure.unit}",
        f"{number(min(figure.values))} – {number(max(figure.values))}",
        f"{number(statistics.median(figure.beside))} {figure.unit}" if figure.beside else "",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        _goal(figure),
        {True: "yes", False: "no", None: ""}[figure.met],
        str(len(figure.values)),
    )


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    unit = "× the other" if figure.goal.beside else figure.unit
    return f"{figure.goal.better.value} {figure.goal.limit:g} {unit}"


def number(value: float) -> str:
    """Three figures, which is more than the noise allows, and never an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
