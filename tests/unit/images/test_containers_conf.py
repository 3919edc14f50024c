"""What buildah and krunvm are configured with, and what the user's own exports change about it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import StateFolderError, ToolFailedError
from era_kernel.images import containers_conf as conf
from era_kernel.images.containers_conf import ContainersFiles

NAMES = (*conf.STORAGE, *conf.POLICY, *conf.REGISTRIES, conf.DATA)


@pytest.fixture(autouse=True)
def _nothing_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_every_alias_is_exported_and_means_a_file_below_the_state_folder(tmp_path: Path) -> None:
    exported = conf.exports(ContainersFiles(tmp_path), {})
    assert set(exported) == set(NAMES)
    assert all(Path(value).is_relative_to(tmp_path) for value in exported.values())


@pytest.mark.parametrize("name", conf.STORAGE)
def test_what_the_user_exported_wins_by_whatever_alias(tmp_path: Path, name: str) -> None:
    exported = conf.exports(ContainersFiles(tmp_path), {name: "/mine.conf"})
    assert {exported[each] for each in conf.STORAGE} == {"/mine.conf"}
    assert Path(exported["CONTAINERS_POLICY"]).is_relative_to(tmp_path)


def test_nothing_is_exported_to_anybody_else(tmp_path: Path) -> None:
    before = dict(os.environ)
    conf.environment(tmp_path)
    assert dict(os.environ) == before


def test_a_users_own_storage_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "mine.conf"))
    env = conf.environment(tmp_path / "state")
    assert env["STORAGE_CONF"] == str(tmp_path / "mine.conf")
    assert not ContainersFiles(tmp_path / "state").storage.exists()


def test_buildah_takes_the_storage_and_leaves_no_mount_behind(tmp_path: Path) -> None:
    env = conf.environment(tmp_path)
    store = json.loads(process.run(["buildah", "info"], timeout=60, env=env).stdout)["store"]
    assert store["GraphRoot"] == str(tmp_path / "containers/storage")
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    folders = conf.storage_folders(env)
    assert folders[0] == [tmp_path / "containers/storage", tmp_path / "containers/run"]


def test_where_overlays_do_not_work_it_is_vfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "_overlay_works", lambda files: False)
    conf.environment(tmp_path)
    text = ContainersFiles(tmp_path).storage.read_text()
    assert 'driver = "vfs"' in text
    assert "additionalimagestores = []" in text


def test_the_policy_rejects_all_but_the_registries_in_use(tmp_path: Path) -> None:
    conf.environment(tmp_path, {"quay.io"})
    conf.environment(tmp_path, {"ghcr.io", "localhost"})
    rules = json.loads(ContainersFiles(tmp_path).policy.read_text())
    assert rules["default"] == [{"type": "reject"}]
    assert set(rules["transports"]["docker"]) == {"docker.io", "ghcr.io", "quay.io"}


def test_buildah_obeys_the_policy(tmp_path: Path) -> None:
    env = conf.environment(tmp_path)
    policy = ContainersFiles(tmp_path).policy
    archive = tmp_path / "image.tar"
    archive.write_bytes(b"")
    command = ["buildah", "pull", "--signature-policy", str(policy), f"docker-archive:{archive}"]
    with pytest.raises(ToolFailedError):
        process.run(command, timeout=60, env=env)
    refused = ["buildah", "pull", "--signature-policy", str(policy), "registry.invalid/image"]
    with pytest.raises(ToolFailedError):
        process.run(refused, timeout=60, env=env)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("python:3.11-slim", "docker.io"),
        ("library/python", "docker.io"),
        ("docker.io/library/python", "docker.io"),
        ("quay.io/a/b:1", "quay.io"),
        ("localhost/era/python", "localhost"),
        ("localhost:5000/a", "localhost:5000"),
    ],
)
def test_the_registry_of_a_reference(image: str, registry: str) -> None:
    assert conf.registry_of(image) == registry


def test_a_state_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderError, match="cannot be written"):
        conf.environment(tmp_path / "file")
