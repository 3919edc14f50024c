"""What is told about commands that did not end by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from era_kernel.commands import running


@pytest.mark.parametrize(("free", "said"), [(0, "Make room under"), (1 << 30, "")])
def test_a_full_disk_is_named_where_a_command_took_too_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, said: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    manager: Any = SimpleNamespace(state=SimpleNamespace(root=tmp_path))
    assert running._remedy(manager).startswith(said)
    assert bool(running._remedy(manager)) == bool(said)
