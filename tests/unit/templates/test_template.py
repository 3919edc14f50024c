"""A template that is not as it was made is none: whatever of it was cut off, altered or lost."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from era_kernel.images.disk import make_sparse
from era_kernel.launchers.base import TEMPLATE_DISK, TEMPLATE_RAM
from era_kernel.models import Purpose, VmRecord, VmSpec
from era_kernel.paths import StatePaths
from era_kernel.templates.prune import prune, templates
from era_kernel.templates.template import METADATA, OVERLAY, STATE, USED, load, seal, template_key

RECORD = VmRecord("python-00000000", VmSpec("python", "image"), Purpose.USER, "qemu", "sha256:0", 1.0)
RAM_SIZE = 64 << 20
BASE = "template-x.raw"


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    make_sparse(folder / TEMPLATE_RAM, RAM_SIZE)
    with (folder / TEMPLATE_RAM).open("r+b") as ram:
        ram.write(b"kernel" * 1000)
    make_sparse(folder / TEMPLATE_DISK, 1 << 20)
    (folder / STATE).write_bytes(os.urandom(66_000))
    (folder / OVERLAY).write_bytes(b"QFI\xfb" + b"../../disks/template-x.raw")
    seal(folder, RECORD, "fingerprint", BASE, time.time())
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path))
    return tmp_path / "templates"


def flip(file: Path, offset: int) -> None:
    """One bit, the file's times kept: only the contents tell."""
    times = file.stat()
    with file.open("r+b") as opened:
        opened.seek(offset)
        byte = opened.read(1)
        opened.seek(offset)
        opened.write(bytes([byte[0] ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_was_sealed_is_loaded(cache: Path) -> None:
    template = load(make(cache / "a"))
    assert template is not None
    assert template.metadata.spec == RECORD.spec
    assert template.saved.state == str(cache / "a" / STATE)
    assert template.saved.ram == str(cache / "a" / TEMPLATE_RAM)
    assert template.saved.once is None, "a template is taken up many times"


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: os.truncate(folder / TEMPLATE_RAM, RAM_SIZE // 2),
        lambda folder: os.truncate(folder / STATE, 1000),
        lambda folder: (folder / STATE).unlink(),
        lambda folder: (folder / TEMPLATE_DISK).unlink(),
        lambda folder: flip(folder / STATE, 50_000),
        lambda folder: flip(folder / TEMPLATE_RAM, 3),
        lambda folder: flip(folder / METADATA, 100),
        lambda folder: (folder / METADATA).write_bytes(b""),
        lambda folder: os.utime(folder / TEMPLATE_RAM),
        lambda folder: (folder / OVERLAY).write_bytes(b"QFI\xfb../../elsewhere"),
    ],
)
def test_a_template_that_was_harmed_is_none(cache: Path, harm: Callable[[Path], object]) -> None:
    folder = make(cache / "a")
    harm(folder)
    assert load(folder) is None


def test_a_place_without_a_template(cache: Path) -> None:
    assert load(cache / "nothing") is None


def test_keys_tell_machines_and_zygotes_apart() -> None:
    assert template_key("a", ("python3",)) == template_key("a", ("python3",))
    assert len({template_key("a", ()), template_key("b", ()), template_key("a", ("ruby",))}) == 3


def used(folder: Path, when: float) -> Path:
    (folder / USED).touch()
    os.utime(folder / USED, (when, when))
    return folder


def test_the_least_recently_used_go_first_and_the_new_one_stays(cache: Path) -> None:
    for name, when in (("old", 100.0), ("new", 300.0), ("middle", 200.0)):
        used(make(cache / name), when)
    assert [each.key for each in templates()] == ["old", "middle", "new"]
    one = templates()[0].size()
    assert [each.key for each in prune(2 * one)] == ["old"]
    assert [each.key for each in prune(0, keep="middle")] == ["new"]
    assert [each.key for each in templates()] == ["middle"]


def test_broken_ones_go_and_what_is_being_made_stays(cache: Path) -> None:
    os.truncate(make(cache / "broken") / STATE, 1)
    making = cache / ".a.making-1"
    shutil.copytree(make(cache / "whole"), making)
    prune(1 << 40)
    assert not (cache / "broken").exists()
    assert making.exists()
    assert [each.key for each in templates()] == ["whole"]


def test_a_vm_s_disk_outlives_its_template(cache: Path, tmp_path: Path) -> None:
    folder = make(cache / "a")
    template = load(folder)
    assert template is not None
    paths = StatePaths(tmp_path / "state").vm("python-00000000")
    paths.folder.mkdir(parents=True)
    template.give_disk(paths)
    prune(0)
    assert not folder.exists()
    assert paths.disk.read_bytes().startswith(b"QFI\xfb")
    assert (paths.bases / BASE).stat().st_size == 1 << 20
