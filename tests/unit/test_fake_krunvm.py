"""The fake krunvm keeps krunvm's contract: its texts and statuses here, its guests where VMs are booted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.images.buildah import find_image
from era_kernel.languages import find_language
from tests.fakes.krun import guest

KRUNVM = Path(__file__).parents[1] / "fakes" / "krunvm"
IMAGE = find_language("python").local_image
SECONDS = 60.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}


def krunvm(environment: dict[str, str], *arguments: str, data: bytes = b"") -> tuple[int, str]:
    done = subprocess.run(
        [str(KRUNVM), *arguments], env=environment, input=data, capture_output=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("start", "none"), "No VM found with name none\n"),
        (("delete", "none"), "No VM found with that name\n"),
        (("inspect", "none"), "No VM found with that name\n"),
        (("changevm", "none", "--mem", "512"), "No VM found with name none\n"),
        (("create", "--name", "", IMAGE), "Invalid name for VM\n"),
        (("create", "--name", "a", "-v", "relative:/in", IMAGE), "Invalid volume, host_path is not an absolute path\n"),
        (("create", "--name", "a", "-v", "/no/such:/in", IMAGE), "Invalid volume, host_path does not exists\n"),
        (("create", "--name", "a", "-v", "/usr:in", IMAGE), "Invalid volume, guest_path is not an absolute path\n"),
        (
            ("create", "--name", "a", "-v", "/usr:/in/deep", IMAGE),
            "Invalid volume, only single direct root children are supported as guest_path\n",
        ),
    ],
)
def test_complaints_are_on_stdout_with_status_255(
    environment: dict[str, str], arguments: tuple[str, ...], text: str
) -> None:
    assert krunvm(environment, *arguments) == (255, text)


def test_nothing_listed_is_no_error(environment: dict[str, str]) -> None:
    assert krunvm(environment, "list") == (0, "No microVMs found\n")


def test_without_buildah_it_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("env", "python3"):
        (tools / tool).symlink_to(Path("/usr/bin") / tool)
    status, text = krunvm({**environment, "PATH": str(tools)}, "create", "--name", "a", IMAGE)
    assert status == 255
    assert text == "krunvm requires buildah to manage the OCI images, and it wasn't found on this system.\n"


def test_an_image_that_is_not_there_is_buildahs_error(environment: dict[str, str]) -> None:
    status, text = krunvm(environment, "create", "--name", "a", "localhost/no/such/image")
    assert (status, text.splitlines()[0]) == (255, "buildah returned an error: ")


@pytest.fixture
def vm(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    if find_image(IMAGE) is None:
        pytest.skip(f"there is no image {IMAGE}")
    guest.make()
    volume = tmp_path / "volume"
    volume.mkdir()
    made = krunvm(environment, "create", "--name", "v", "--cpus", "1", "--mem", "192", "-v", f"{volume}:/in", IMAGE)
    assert made == (0, "microVM created with name: v\n")
    yield "v"
    assert krunvm(environment, "delete", "v") == (0, "")


@pytest.mark.vm
@pytest.mark.slow
class TestVm:
    def test_its_life(self, environment: dict[str, str], vm: str, tmp_path: Path) -> None:
        _, listing = krunvm(environment, "list")
        blank, name, *fields = listing.splitlines()
        assert (blank, name) == ("", "v")
        assert [field.partition(":")[0] for field in fields if field] == [
            *(" CPUs", " RAM (MiB)", " DNS server", " Buildah container", " Workdir", " Mapped volumes"),
            " Mapped ports",
        ]
        assert f' Mapped volumes: {{"{tmp_path}/volume": "/in"}}' in fields
        assert krunvm(environment, "create", "--name", "v", IMAGE) == (255, "A VM with this name already exists\n")
        (tmp_path / "volume/given").write_text("from the host\n")
        script = 'cat /in/given; echo "$GREETING $HOSTNAME $0"; echo kept > /root/kept; exit 7'
        start = ("start", "--env", "GREETING=hello", vm, "/bin/sh", "--", "-c", script)
        assert krunvm(environment, *start) == (7, "from the host\nhello v /bin/sh\n")
        assert krunvm(environment, "changevm", vm, "--mem", "256")[0] == 0
        more = krunvm(environment, "start", vm, "/bin/sh", "--", "-c", "cat /root/kept; grep MemTotal /proc/meminfo")
        assert more[1].startswith("kept\nMemTotal:")
        assert int(more[1].split()[2]) > 192 * 1024

    def test_its_streams_are_8_bit_clean(self, environment: dict[str, str], vm: str) -> None:
        data = os.urandom(1 << 20) + bytes(range(256)) + b"\r\n\x04\x03"
        with subprocess.Popen(
            [str(KRUNVM), "start", vm, "/usr/bin/head", "--", "-c", str(len(data))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            out, _ = process.communicate(data, timeout=SECONDS)
        assert process.returncode == 0
        assert out == data

    def test_only_one_instance_runs_and_nothing_outlives_a_kill(self, environment: dict[str, str], vm: str) -> None:
        command = [str(KRUNVM), "start", vm, "/bin/sh", "--", "-c", "echo up; cat"]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
            assert first.stdout is not None
            assert first.stdout.readline() == b"up\n"
            status, text = krunvm(environment, "start", vm, "/bin/true")
            assert status == 255
            assert text == "Couldn't acquire lock file. Is another instance of this VM already running?\n"
            first.kill()
        assert krunvm(environment, "start", vm, "/bin/echo", "--", "again") == (0, "again\n")
