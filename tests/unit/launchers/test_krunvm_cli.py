"""krunvm's command lines, its listing, and what its complaints mean."""

from __future__ import annotations

import pytest

from era_kernel.errors import ImageError, LauncherError, ToolFailedError, VmStateError
from era_kernel.launchers import krunvm_cli as cli
from era_kernel.launchers.krunvm_cli import KrunVm

VM = KrunVm("python-00000001", 2, 512)
LISTING = """
python-00000001
 CPUs: 2
 RAM (MiB): 512
 DNS server: 1.1.1.1
 Buildah container: python-working-container
 Workdir: /root
 Mapped volumes: {"/state/in": "/in", "/state/a b": "/out"}
 Mapped ports: {}

other
 CPUs: 1
 RAM (MiB): 1024
 DNS server: 1.1.1.1
 Buildah container: other-1
 Workdir:\x20
 Mapped volumes: {}
 Mapped ports: {"8080": "80"}

"""


def test_create_names_all_that_it_makes() -> None:
    volumes = {"/state/in": "/in"}
    command = cli.create_command(KrunVm("n", 1, 256, volumes=volumes), "localhost/era-krunvm:x")
    assert command == [
        *("krunvm", "create", "--name", "n", "--cpus", "1", "--mem", "256", "--workdir", "/root"),
        *("--volume", "/state/in:/in", "localhost/era-krunvm:x"),
    ]


def test_start_gives_the_agent_its_environment() -> None:
    command = cli.start_command("/usr/bin/krunvm", "n", "/.era/agent", {"A": "b"})
    assert command == ("/usr/bin/krunvm", "start", "--env", "A=b", "n", "/.era/agent")


@pytest.mark.parametrize(
    ("wanted", "options"),
    [
        (KrunVm("python-00000001", 1, 512), ["--cpus", "1"]),
        (KrunVm("python-00000001", 2, 256), ["--mem", "256"]),
        (KrunVm("python-00000001", 2, 512, volumes={"/a": "/in"}), ["--volume", "/a:/in"]),
    ],
)
def test_a_vm_that_changed_is_changed(wanted: KrunVm, options: list[str]) -> None:
    assert cli.change_command(wanted, VM) == ["krunvm", "changevm", *options, "python-00000001"]
    back = ["--remove-volumes"] if wanted.volumes else [options[0], str({"--cpus": 2, "--mem": 512}[options[0]])]
    assert cli.change_command(VM, wanted) == ["krunvm", "changevm", *back, "python-00000001"]


def test_a_vm_that_is_as_wanted_is_left_alone() -> None:
    assert cli.change_command(VM, KrunVm("python-00000001", 2, 512, container="c")) is None


def test_the_listing_is_read_whole() -> None:
    volumes = {"/state/in": "/in", "/state/a b": "/out"}
    assert cli.parse_list(LISTING) == {
        "python-00000001": KrunVm("python-00000001", 2, 512, "python-working-container", volumes),
        "other": KrunVm("other", 1, 1024, "other-1"),
    }


@pytest.mark.parametrize("text", ["", "No microVMs found\n", "\n"])
def test_no_vms(text: str) -> None:
    assert cli.parse_list(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "thread 'main' panicked at src/main.rs\nnote: run with RUST_BACKTRACE=1\n",
        "\nname\n CPUs: many\n",
        "\nname\n",
        '\nname\n CPUs: 1\n RAM (MiB): 1\n Buildah container: c\n Mapped volumes: __import__("os")\n',
        "\nname\n CPUs: 1\n RAM (MiB): 1\n Buildah container: c\n Mapped volumes: 7\n",
        " CPUs: 1\n",
    ],
)
def test_an_unknown_listing_is_told_of(text: str) -> None:
    with pytest.raises(LauncherError, match="`krunvm list` printed what this version does not know"):
        cli.parse_list(text)


def test_a_creation_must_be_confirmed() -> None:
    cli.check_created("microVM created with name: n\n", "n")
    with pytest.raises(LauncherError, match=r"krunvm create` printed .*'nothing'"):
        cli.check_created("", "n")


def test_a_number_that_is_refused_with_status_0_is_an_error() -> None:
    with pytest.raises(LauncherError, match="maximum number of CPUs supported is 8"):
        cli.check_changed("Error: the maximum number of CPUs supported is 8\n\nn\n CPUs: 1\n")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("No VM found with name n", VmStateError, "does not know the VM: n"),
        ("No VM found with that name", VmStateError, "does not know the VM"),
        ("A VM with this name already exists", VmStateError, "of that name already"),
        ("Invalid name for VM", VmStateError, "does not take the VM's name"),
        (
            "Couldn't acquire lock file. Is another instance of this VM already running?",
            VmStateError,
            "Another process runs this VM",
        ),
        ("Error setting VM mapped volumes", LauncherError, "could not map"),
        ("Error setting VM mapped volume /in", LauncherError, "could not map the VM's volumes: /in"),
        ("Error mounting volume /in", LauncherError, "could not map the volume: /in"),
        ("Invalid volume, host_path does not exists", LauncherError, "has vanished"),
        ("Error starting VM", LauncherError, "libkrun could not start"),
        ("Error setting VM config", LauncherError, "refused the VM's configuration"),
        (
            "krunvm requires buildah to manage the OCI images, and it wasn't found on this system.",
            LauncherError,
            "does not find buildah",
        ),
        ("buildah returned an error: no such image", ImageError, "buildah failed under krunvm: no such image"),
        ('Please re-run krunvm inside a "buildah unshare" session', LauncherError, "refuses to run outside"),
        ("error: unexpected argument '--env' found", LauncherError, "too old: '--env' found"),
    ],
)
def test_each_complaint_is_an_error_with_a_remedy(text: str, kind: type[Exception], words: str) -> None:
    error = cli.complaint(f"[    0.1] something else\n{text}\n")
    assert type(error) is kind
    assert error is not None
    assert words in error.message
    assert error.remedy


def test_what_a_guest_writes_there_is_shown_without_its_control_characters() -> None:
    error = cli.complaint("buildah returned an error: \x1b[2Jgone" + "x" * 1000)
    assert error is not None
    assert "\x1b" not in str(error)
    assert len(str(error)) < 500


def test_words_that_nobody_knows_are_no_complaint() -> None:
    failed = ToolFailedError("krunvm failed", status=1, output="what?")
    assert cli.complaint("what?") is None
    assert cli.explain(failed) is failed
    assert not cli.is_gone(failed)
    assert cli.is_gone(ToolFailedError("", output="No VM found with that name"))
