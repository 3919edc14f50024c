"""When an image is built again: the real script and buildah, in a storage of the test's own; the tree is a toy's."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DRIVER = Path("era_kernel/guest/drivers/go/main.go")
SECONDS = 120

pytestmark = [
    pytest.mark.skipif(shutil.which("buildah") is None, reason="there is no buildah"),
    pytest.mark.timeout(2 * SECONDS),
]


@dataclass(frozen=True)
class Checkout:
    """A copy of what the script needs, and an empty storage for images."""

    folder: Path

    def build(self, language: str = "go", *options: str) -> bool:
        """Whether `debian.sh LANGUAGE OPTION…` built an image."""
        built = self.folder / "built"
        built.unlink(missing_ok=True)
        self._run("bash", str(self.folder / "setup_scripts/images/debian.sh"), language, *options)
        return built.exists()

    def images(self) -> list[str]:
        """The names of all images; `<none>` of one that lost its name."""
        return self._run("buildah", "images", "--format", "{{.Name}}").split()

    def _run(self, *command: str) -> str:
        env = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    shutil.copytree(ROOT / "setup_scripts", tmp_path / "setup_scripts")
    shutil.copytree(ROOT / DRIVER.parent, tmp_path / DRIVER.parent)
    storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n'
    (tmp_path / "storage.conf").write_text(storage)
    toy = tmp_path / "bin/mmdebstrap"
    toy.parent.mkdir()
    toy.write_text(
        f'#!/bin/sh\nfor argument; do case $argument in */tree.tar) tar -cf "$argument" -T /dev/null;; esac; done\n'
        f"touch {tmp_path}/built\n"
    )
    toy.chmod(0o755)
    return Checkout(tmp_path)


def test_an_image_is_built_where_it_is_missing_or_asked_for(checkout: Checkout) -> None:
    assert checkout.build("go", "--if-missing")
    assert not checkout.build("go", "--if-missing")
    assert checkout.build("go")
    assert checkout.build("ruby", "--if-missing")


def test_an_image_with_another_driver_is_built_again(checkout: Checkout) -> None:
    checkout.build()
    (checkout.folder / DRIVER).chmod(0o600)
    assert not checkout.build("go", "--if-missing"), "modes depend on who checked it out"
    with (checkout.folder / DRIVER).open("a") as file:
        file.write("\n")
    assert checkout.build("go", "--if-missing")
    assert not checkout.build("go", "--if-missing")


def test_an_image_takes_the_place_of_the_one_before(checkout: Checkout) -> None:
    checkout.build("ruby")
    checkout.build("ruby")
    checkout.build("bash")
    assert sorted(checkout.images()) == ["localhost/era/bash", "localhost/era/ruby"]
