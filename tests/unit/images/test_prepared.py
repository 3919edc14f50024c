"""Images with the agent inside: what is put in, what is left alone, and that it is made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import ImageError
from era_kernel.images import containers_conf, prepared
from era_kernel.images.buildah import find_image
from era_kernel.images.initramfs import GUEST, agent_binary


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image's root with a shell and a folder of its own."""
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/sh").touch()
    (folder / "out").mkdir(mode=0o750)
    return folder


def test_agent_drivers_and_folders_are_put_in(root: Path) -> None:
    prepared.fill(root, needs_shell=True)
    assert (root / ".era/agent").read_bytes() == agent_binary().read_bytes()
    assert (root / ".era/agent").stat().st_mode & 0o777 == 0o755
    assert (root / ".era/drivers/python/driver.py").is_file()
    assert {path.name for path in root.iterdir()} >= {"in", "out", "persist", "root", "tmp"}
    assert (root / "out").stat().st_mode & 0o777 == 0o750
    assert not list(root.rglob("__pycache__"))


def test_an_image_without_a_shell_is_refused(root: Path) -> None:
    shutil.rmtree(root / "bin")
    with pytest.raises(ImageError, match="no /bin/sh"):
        prepared.fill(root, needs_shell=True)
    prepared.fill(root, needs_shell=False)


def test_a_link_in_our_place_leads_nowhere(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".era").symlink_to(outside)
    with pytest.raises(ImageError, match=r"file /\.era"):
        prepared.fill(root, needs_shell=True)
    assert list(outside.iterdir()) == []


def test_another_base_or_agent_makes_another_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = prepared.prepared_name("sha256:1")
    assert prepared.prepared_name("sha256:1") == name
    assert prepared.prepared_name("sha256:2") != name
    guest = tmp_path / "guest"
    shutil.copytree(GUEST / "drivers", guest / "drivers")
    agent = guest / "agent"
    agent.write_bytes(b"another")
    monkeypatch.setattr(prepared, "GUEST", guest)
    monkeypatch.setattr(prepared, "agent_binary", lambda: agent)
    assert prepared.prepared_name("sha256:1") != name


def test_it_is_committed_once_and_leaves_no_container(tmp_path: Path) -> None:
    env = containers_conf.environment(tmp_path)
    name = prepared.probe_image(env, tmp_path / "containers")
    digest = find_image(name, env)
    assert digest is not None
    assert prepared.probe_image(env, tmp_path / "containers") == name
    assert find_image(name, env) == digest
    assert process.run(["buildah", "containers", "--quiet"], timeout=60, env=env).stdout == ""
