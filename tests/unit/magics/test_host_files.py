"""Which files of the host cells may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from era_kernel.errors import UsageError
from era_kernel.magics.host_files import beside_notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    (folder / "data").mkdir(parents=True)
    (folder / "data/table.csv").write_text("1")
    (folder / ".env").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "good-link").symlink_to(folder / "data/table.csv")
    return folder


@pytest.mark.parametrize("name", ["data/table.csv", "./data/../data/table.csv", "good-link", "new.txt"])
def test_what_lies_beside_the_notebook_may_be_read(folder: Path, name: str) -> None:
    assert beside_notebook(Path(name), folder, write=False).is_relative_to(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "link", ".env", ".git/config", "data/../../secret", "a\0b"]
)
@pytest.mark.parametrize("write", [False, True])
def test_all_else_is_out_of_reach(folder: Path, name: str, write: bool) -> None:
    with pytest.raises(UsageError):
        beside_notebook(Path(name), folder, write=write)


def test_a_cell_writes_new_files_only(folder: Path) -> None:
    assert beside_notebook(Path("data/new.csv"), folder, write=True) == folder / "data/new.csv"
    for name in ("data/table.csv", "good-link", "data"):
        with pytest.raises(UsageError, match="there already"):
            beside_notebook(Path(name), folder, write=True)
