"""Commands on several VMs, of which others may remove some meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from era_kernel.commands.machines import clean
from era_kernel.commands.options import CleanOptions, Selection
from era_kernel.errors import EraError, UnknownVmError
from era_kernel.service.results import Outcome


class Manager:
    def clean(self, ids: object, *, keep_persist: bool) -> list[Outcome]:
        return [Outcome("python-00000001"), Outcome("python-00000002", UnknownVmError("python-00000002"))]


class Page:
    def __init__(self) -> None:
        self.said: list[str] = []

    def line(self, text: str) -> None:
        self.said.append(text)

    def error(self, error: EraError | str, subject: str = "") -> None:
        self.said.append(f"{subject}: {error}")


@pytest.mark.parametrize(("ids", "status", "lines"), [(None, 0, 1), (("python-00000001", "python-00000002"), 1, 2)])
def test_what_others_removed_is_missed_only_where_it_was_named(
    ids: tuple[str, ...] | None, status: int, lines: int
) -> None:
    page: Any = Page()
    manager: Any = Manager()
    assert clean(manager, CleanOptions(Selection(ids)), page) == status
    assert page.said[0] == "python-00000001 cleaned"
    assert len(page.said) == lines
