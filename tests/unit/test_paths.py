"""Where the state folder is, by the original agent's rule, and what is said when it cannot be used."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from era_kernel import paths
from era_kernel.errors import StateFolderError


def test_the_variable_wins(tmp_path: Path) -> None:
    assert paths.state_root({"AGENT_STATE_DIR": str(tmp_path), "XDG_CONFIG_HOME": "/x"}) == tmp_path


def test_the_system_s_folder_comes_next_when_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SYSTEM_STATE", tmp_path / "agent")
    assert paths.state_root({"XDG_CONFIG_HOME": "/x"}) == tmp_path / "agent"


def test_then_the_user_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SYSTEM_STATE", Path("/proc/nowhere/agent"))
    assert paths.state_root({"XDG_CONFIG_HOME": "/x"}) == Path("/x/agent")
    assert paths.state_root({}) == Path.home() / ".agent"


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    state = paths.open_state(tmp_path / "a/b")
    for folder in (state.root, state.vms, state.persists):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderError, match=r"cannot be made: Not a directory\. Set AGENT_STATE_DIR"):
        paths.open_state(tmp_path / "file/state")
