"""Where the state folder is, by the original agent's rule, and what is said when it cannot be used."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from era_kernel import paths
from era_kernel.errors import StateFolderError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said but what a test says."""
    monkeypatch.delenv("AGENT_STATE_DIR", raising=False)
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")


def test_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_STATE_DIR", str(tmp_path))
    assert paths.state_root() == tmp_path


def test_a_file_of_the_user_s_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_NO_CONFIG")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    (tmp_path / "era_kernel_config.py").write_text("c.EraConfig.state_dir = '/some/state'\n")
    assert paths.state_root() == Path("/some/state")


def test_the_system_s_folder_comes_next_when_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SYSTEM_STATE", tmp_path / "agent")
    assert paths.state_root() == tmp_path / "agent"


def test_then_the_user_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SYSTEM_STATE", Path("/proc/nowhere/agent"))
    assert paths.state_root() == Path("/x/agent")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert paths.state_root() == Path.home() / ".agent"


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    state = paths.open_state(tmp_path / "a/b")
    for folder in (state.root, state.vms, state.persists):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderError, match=r"cannot be made: Not a directory\. Set AGENT_STATE_DIR"):
        paths.open_state(tmp_path / "file/state")
