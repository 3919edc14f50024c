"""Images through the real buildah, mkfs.erofs and qemu-img."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.errors import ImageError
from era_kernel.images import buildah, disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def tool(*argv: object) -> str:
    return subprocess.run([*map(str, argv)], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def ignore(line: str) -> None:
    """Progress that nobody looks at."""


class TinyImages:
    """Images of a few files, removed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names: list[str] = []

    def make(self, *config: str, shell: bool = True) -> str:
        tree = self._folder / uuid.uuid4().hex
        (tree / "bin").mkdir(parents=True)
        (tree / "hello").write_text("hello")
        if shell:
            (tree / "bin/sh").symlink_to("busybox")
        name = f"localhost/era-test/{uuid.uuid4().hex}"
        container = tool("buildah", "from", "scratch")
        tool("buildah", "add", "--quiet", container, tree, "/")
        if config:
            tool("buildah", "config", *config, container)
        tool("buildah", "commit", "--quiet", "--rm", container, name)
        self.names.append(name)
        return name


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyImages]:
    tiny = TinyImages(tmp_path_factory.mktemp("trees"))
    yield tiny
    for name in tiny.names:
        tool("buildah", "rmi", name)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_image_is_known_by_a_digest_that_a_new_one_changes(images: TinyImages) -> None:
    first, second = images.make(), images.make("--label", "x=y")
    digest = buildah.find_image(first)
    assert digest is not None
    assert digest.startswith("sha256:")
    assert buildah.resolve_image(first, ignore) == digest
    assert buildah.find_image(second) != digest
    assert buildah.find_image("localhost/era-test/nothing") is None


def test_the_disk_holds_what_the_image_holds_and_is_made_once(images: TinyImages, cache: Path, tmp_path: Path) -> None:
    name = images.make()
    digest = buildah.resolve_image(name, ignore)
    lines: list[str] = []
    made = disk.image_disk(name, digest, lines.append)
    assert made.is_relative_to(cache)
    tool("fsck.erofs", f"--extract={tmp_path / 'out'}", made)
    assert (tmp_path / "out/hello").read_text() == "hello"
    before = made.stat().st_mtime_ns
    assert disk.image_disk(name, digest, lines.append) == made
    assert made.stat().st_mtime_ns == before
    assert lines == [f"making the disk of {name}"]


def test_the_disk_keeps_times_modes_and_owners(images: TinyImages, cache: Path, tmp_path: Path) -> None:
    """Byte code is taken only where its source has the time that it names."""
    source = tmp_path / "module.py"
    source.write_text("print('hi')")
    source.chmod(0o640)
    os.utime(source, (1_600_000_000, 1_600_000_000))
    container = tool("buildah", "from", images.make())
    tool("buildah", "add", "--quiet", "--chown", "12:34", container, source, "/module.py")
    name = f"localhost/era-test/{uuid.uuid4().hex}"
    tool("buildah", "commit", "--quiet", "--rm", container, name)
    images.names.append(name)
    made = disk.image_disk(name, buildah.resolve_image(name, ignore), ignore)
    found = " ".join(tool("env", "TZ=UTC", "dump.erofs", "--path=/module.py", made).split())
    assert "Uid: 12 Gid: 34 Access: 0640/" in found
    assert "Timestamp: 2020-09-13 12:26:40" in found


def test_no_container_stays(images: TinyImages, cache: Path) -> None:
    name = images.make()
    disk.image_disk(name, buildah.resolve_image(name, ignore), ignore)
    assert "era-" not in tool("buildah", "containers", "--noheading", "--format", "{{.ContainerName}}")


def test_what_a_killed_process_left_is_removed(images: TinyImages, cache: Path) -> None:
    name = images.make()
    digest = buildah.resolve_image(name, ignore)
    with subprocess.Popen(["true"]) as dead:
        pass
    left = f"era-{dead.pid}-0123abcd"
    tool("buildah", "from", "--name", left, digest.removeprefix("sha256:"))
    disk.image_disk(name, digest, ignore)
    assert left not in tool("buildah", "containers", "--noheading", "--format", "{{.ContainerName}}")


def test_an_image_without_a_shell_is_refused(images: TinyImages, cache: Path) -> None:
    name = images.make(shell=False)
    with pytest.raises(ImageError, match="no /bin/sh"):
        disk.image_disk(name, buildah.resolve_image(name, ignore), ignore)
    assert not list(cache.rglob("*.erofs"))


def test_an_image_for_another_machine_is_refused(images: TinyImages) -> None:
    with pytest.raises(ImageError, match="linux/s390x"):
        buildah.resolve_image(images.make("--arch", "s390x"), ignore)


def test_an_image_that_is_not_there_tells_how_to_build_it() -> None:
    with pytest.raises(ImageError, match=r"debian.sh nothing"):
        buildah.resolve_image("localhost/era/nothing", ignore)


def test_an_image_whose_registry_cannot_be_reached() -> None:
    with pytest.raises(ImageError, match=r"cannot be pulled.*debian\.sh"):
        buildah.resolve_image("registry.invalid/x/y:1", ignore)


@pytest.mark.parametrize("reference", ["", "--help", "-q", "a b", "x@sha256:12"])
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(ImageError, match="is no image reference"):
        buildah.resolve_image(reference, ignore)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], check=False, timeout=10)
    if mounted.returncode:
        pytest.skip("needs root to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=10)


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_image_that_is_larger_than_the_disk(
    images: TinyImages, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERA_CACHE_DIR", str(small_disk))
    big = tmp_path / "big"
    big.write_bytes(os.urandom(6 << 20))
    container = tool("buildah", "from", images.make())
    tool("buildah", "add", "--quiet", container, big, "/big")
    name = f"localhost/era-test/{uuid.uuid4().hex}"
    tool("buildah", "commit", "--quiet", "--rm", container, name)
    images.names.append(name)
    with pytest.raises(ImageError, match=r"no room for .*erofs: [34] MiB are free\. .*ERA_CACHE_DIR") as error:
        disk.image_disk(name, buildah.resolve_image(name, ignore), ignore)
    assert ".making-" not in str(error.value)
    assert files(small_disk) == []


def test_a_vm_s_disk_that_does_not_fit(small_disk: Path) -> None:
    with contextlib.suppress(OSError), (small_disk / "full.lock").open("wb", buffering=0) as full:
        while full.write(bytes(1 << 16)):
            pass
    with pytest.raises(ImageError, match=r"no room for .*\d+ MiB are free\. .*AGENT_STATE_DIR"):
        disk.make_disk(small_disk / "disk.qcow2", 1, small_disk / "disks")
    assert files(small_disk) == []


def test_an_image_that_went_away_while_it_was_wanted(cache: Path) -> None:
    with pytest.raises(ImageError, match="no longer in buildah's storage"):
        disk.image_disk("localhost/x", "sha256:" + "0" * 64, ignore)


def test_a_vm_s_disk_is_an_overlay_of_a_base_that_has_a_name_of_its_own(tmp_path: Path) -> None:
    target = tmp_path / "disk.qcow2"
    disk.make_disk(target, 1, tmp_path / "disks")
    found = json.loads(tool("qemu-img", "info", "--output=json", target))
    assert found["virtual-size"] == 1 << 30
    assert found["actual-size"] < 1 << 20
    base = Path(found["backing-filename"])
    tool("e2fsck", "-fn", base)
    written = target.read_bytes()
    disk.make_disk(target, 1, tmp_path / "disks")
    assert target.read_bytes() == written
    other = tmp_path / "other"
    other.mkdir()
    disk.make_disk(other / "disk.qcow2", 1, other / "disks")
    assert next((other / "disks").rglob("*.raw")).name != base.name
