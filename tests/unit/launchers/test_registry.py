"""Launchers that other packages bring: the example of CONTRIBUTING.md is installed as a package and runs a command."""

from __future__ import annotations

import asyncio
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.errors import LauncherError, UsageError
from era_kernel.launchers import choose, registry
from era_kernel.paths import open_state
from era_kernel.service.manager import Manager
from tests.unit.service.support import Collected

EXAMPLE = Path(__file__).parents[3] / "CONTRIBUTING.md"


def block(kind: str, begins: str) -> str:
    """The example's code, as it stands in the document."""
    text = EXAMPLE.read_text()
    found = [each for each in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) if each.startswith(begins)]
    assert len(found) == 1
    return str(found[0])


def install(folder: Path, points: str) -> None:
    """A package as pip leaves it, as far as entry points go."""
    info = folder / "bare_launcher-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bare-launcher\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{points}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    yield folder
    importlib.invalidate_caches()


def test_the_documented_example_runs_a_command(site: Path, tmp_path: Path) -> None:
    (site / "bare_launcher.py").write_text(block("python", '"""bare_launcher.py'))
    declared = tomllib.loads(block("toml", "[project.entry-points"))["project"]["entry-points"][registry.GROUP]
    install(site, "\n".join(f"{name} = {value}" for name, value in declared.items()))
    assert list(registry.names()) == [*registry.OURS, "bare"]
    manager = Manager(open_state(tmp_path / "state"), "bare")
    output = Collected()
    result = asyncio.run(manager.temp("python", "echo hello", timeout=30, output=output))
    assert (result.status, output.texts) == (0, {(result.vm_id, 1): b"hello\n"})
    assert choose.probe_all()["bare"].usable


def test_the_example_is_short() -> None:
    assert len(block("python", '"""bare_launcher.py').splitlines()) <= 40


def test_a_launcher_that_cannot_be_loaded_is_told_of_and_passed_over(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "broken = no_such_module:Launcher")
    with pytest.raises(LauncherError, match=r"broken \(no_such_module:Launcher\) cannot be loaded"):
        choose.launcher_named("broken")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LauncherError, match=r"qemu: .*broken: "):
        choose.choose_launcher("auto")


def test_nobody_replaces_a_launcher_of_ours(site: Path) -> None:
    install(site, "qemu = no_such_module:Launcher")
    assert list(registry.names()) == list(registry.OURS)
    assert choose.launcher_named("qemu").name == "qemu"


def test_an_unknown_name_lists_what_there_is(site: Path) -> None:
    install(site, "other = no_such_module:Launcher")
    with pytest.raises(UsageError, match="auto, krunvm, qemu, other"):
        choose.launcher_named("nothing")
