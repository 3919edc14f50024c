"""krunvm's commands, listing and complaints (krunvm 0.2.6). Pure: data in, argv out; text in, data or errors out.

krunvm complains on stdout, with exit status 255; clap, which reads its options, on stderr with status 2.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from era_kernel.errors import EraError, ImageError, LauncherError, ToolFailedError, VmStateError

KRUNVM = "krunvm"
MAX_CPUS = 8
MAX_MEM = 16384
"""vCPUs and MiB that `krunvm changevm` and `config` take at most (krunvm, src/commands/changevm.rs)."""

GONE = ("No VM found with that name", "No VM found with name")
_UPGRADE = "Install krunvm 0.2.6 or newer; `krunvm --version` shows which this is. QEMU serves meanwhile."
_KEY = re.compile(r"^\s+([A-Z][^:]*):\s?(.*)$")


@dataclass(frozen=True)
class KrunVm:
    """A VM to create or as listed. `mem` in MiB; `volumes`: host path to guest path."""

    name: str
    cpus: int
    mem: int
    container: str = ""
    volumes: Mapping[str, str] = field(default_factory=dict)


def create_command(vm: KrunVm, image: str) -> list[str]:
    sizes = ["--cpus", str(vm.cpus), "--mem", str(vm.mem)]
    return [KRUNVM, "create", "--name", vm.name, *sizes, "--workdir", "/root", *_volumes(vm.volumes), image]


def change_command(wanted: KrunVm, listed: KrunVm) -> list[str] | None:
    """The command that makes the VM that krunvm lists the one that is wanted; None when it is."""
    options: list[str] = []
    if wanted.cpus != listed.cpus:
        options += ["--cpus", str(wanted.cpus)]
    if wanted.mem != listed.mem:
        options += ["--mem", str(wanted.mem)]
    if dict(wanted.volumes) != dict(listed.volumes):
        options += _volumes(wanted.volumes) or ["--remove-volumes"]
    return [KRUNVM, "changevm", *options, wanted.name] if options else None


def start_command(krunvm: str, name: str, command: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """`krunvm` is its absolute path: the command is run in a jail."""
    variables = (word for key, value in environment.items() for word in ("--env", f"{key}={value}"))
    return (krunvm, "start", *variables, name, command)


def delete_command(name: str) -> list[str]:
    return [KRUNVM, "delete", name]


def _volumes(volumes: Mapping[str, str]) -> list[str]:
    return [word for host, guest in volumes.items() for word in ("--volume", f"{host}:{guest}")]


def parse_list(text: str) -> dict[str, KrunVm]:
    """The VMs of `krunvm list` by name. LauncherError for what is no such listing."""
    vms: dict[str, KrunVm] = {}
    if text.strip() in ("", "No microVMs found"):
        return vms
    name, fields = "", dict[str, str]()
    for line in [*text.splitlines(), ""]:
        found = _KEY.match(line)
        if found and name:
            fields[found[1]] = found[2]
        elif not line.strip():
            if name:
                vms[name] = _listed(name, fields)
            name, fields = "", {}
        elif not line[0].isspace() and not name:
            name = line.rstrip()
        else:
            raise _unknown("list", line)
    return vms


def _listed(name: str, fields: Mapping[str, str]) -> KrunVm:
    try:
        volumes = ast.literal_eval(fields["Mapped volumes"])  # Rust's {:?} of a map of strings
        return KrunVm(
            name, int(fields["CPUs"]), int(fields["RAM (MiB)"]), fields["Buildah container"], dict(volumes or {})
        )
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise _unknown("list", f"{name}: {dict(fields)}") from error


def _unknown(command: str, text: str) -> LauncherError:
    shown = "".join(char for char in text.strip() if char.isprintable())[:200]
    return LauncherError(f"`krunvm {command}` printed what this version does not know: {shown!r}", _UPGRADE)


def check_created(text: str, name: str) -> None:
    """LauncherError unless `krunvm create`, which ended well, says that it made the VM."""
    if f"microVM created with name: {name}" not in text:
        raise _unknown("create", text or "nothing")


def check_changed(text: str) -> None:
    """krunvm changevm ends with status 0 although it refuses a number. LauncherError then."""
    for line in text.splitlines():
        if line.startswith("Error: "):
            raise LauncherError(f"krunvm refused: {line.removeprefix('Error: ')}", "Ask for less.")


@dataclass(frozen=True)
class _Complaint:
    """A line that begins with `text` becomes an error of the class, with a remedy; '{}' holds the line's rest."""

    text: str
    error: Callable[[str, str], EraError]
    message: str
    remedy: str


_DELETE = "`era vm clean --vm ID` removes it for good."
_COMPLAINTS = (
    _Complaint("No VM found with name", VmStateError, "krunvm does not know the VM{}", "Start it again: it is made."),
    _Complaint("No VM found with that name", VmStateError, "krunvm does not know the VM", "Start it again."),
    _Complaint("A VM with this name already exists", VmStateError, "krunvm has a VM of that name already", _DELETE),
    _Complaint("Invalid name for VM", VmStateError, "krunvm does not take the VM's name", "Report this: it is a bug."),
    _Complaint(
        "Couldn't acquire lock file",
        VmStateError,
        "Another process runs this VM already",
        "`era vm stop --vm ID` ends it; a krunvm started by hand is ended where it was started.",
    ),
    _Complaint(
        "Error setting VM mapped volume",
        LauncherError,
        "krunvm could not map the VM's volumes{}",
        "Check that the VM's folders in the state folder are there; on macOS, that the krunvm volume is "
        "case-sensitive; unset AGENT_ENABLE_GUEST_VOLUMES to do without.",
    ),
    _Complaint(
        "Error mounting volume", LauncherError, "krunvm could not map the volume{}", "Check that its folder is there."
    ),
    _Complaint(
        "Invalid volume, host_path does not exist",
        LauncherError,
        "A folder that the VM maps has vanished",
        "Make it again in the state folder, or unset AGENT_ENABLE_GUEST_VOLUMES.",
    ),
    _Complaint("Invalid volume", LauncherError, "krunvm does not take a volume{}", "Report this: it is a bug."),
    _Complaint(
        "Error starting VM",
        LauncherError,
        "libkrun could not start the VM",
        "Check /dev/kvm (Linux) and that libkrun and libkrunfw are installed; `era doctor` boots a guest to find out.",
    ),
    _Complaint("Error setting VM", LauncherError, "libkrun refused the VM's configuration{}", "Ask for less memory."),
    _Complaint(
        "krunvm requires buildah", LauncherError, "krunvm does not find buildah", "Install the package buildah."
    ),
    _Complaint(
        "buildah returned an error",
        ImageError,
        "buildah failed under krunvm{}",
        "`buildah info` shows whether its storage works; `era doctor` checks more.",
    ),
    _Complaint("Error executing buildah", LauncherError, "krunvm cannot run buildah{}", "Install buildah again."),
    _Complaint(
        "Please re-run krunvm inside",
        LauncherError,
        "krunvm refuses to run outside `buildah unshare`",
        "As a plain user, user namespaces must work: check /etc/subuid, /etc/subgid and `buildah unshare true`.",
    ),
    _Complaint(
        "bwrap: Can't find source path",
        LauncherError,
        "A folder that the VM needs has vanished{}",
        "Start the VM again: what can be made anew is.",
    ),
    _Complaint("bwrap: ", LauncherError, "krunvm's view of the host could not be made{}", "Update bubblewrap."),
    _Complaint("error: unexpected argument", LauncherError, "This krunvm is too old{}", _UPGRADE),
    _Complaint("error: Found argument", LauncherError, "This krunvm is too old{}", _UPGRADE),
)


UNCLEAN = LauncherError(
    "What came from the guest through krunvm is not what the agent sent",
    "A libkrun before 1.7 gives the guest a console instead of clean pipes: install libkrun 1.7 or newer. QEMU serves "
    "meanwhile.",
)
"""Neither frames nor words of krunvm's: the stream was changed on its way."""


def complaint(text: str) -> EraError | None:
    """The error that a line of krunvm's output means; None when there is none in it."""
    for line in map(str.strip, text.splitlines()):
        for known in _COMPLAINTS:
            if line.startswith(known.text):
                rest = "".join(char for char in line.removeprefix(known.text).lstrip("s :,") if char.isprintable())
                return known.error(known.message.format(f": {rest[:200]}" if rest else ""), known.remedy)
    return None


def is_gone(error: ToolFailedError) -> bool:
    """Whether krunvm failed because it has no such VM."""
    return any(line.strip().startswith(GONE) for line in error.output.splitlines())


def explain(error: ToolFailedError) -> EraError:
    """The error of ours that a failed krunvm means; the same error when it said nothing that we know.

    Of a buildah that failed under it, what buildah itself said last, on stderr, tells more.
    """
    known = complaint(error.output)
    if isinstance(known, ImageError):
        last = "".join(char for char in error.output.splitlines()[-1] if char.isprintable())[:300]
        if not last.startswith("buildah returned an error"):
            return ImageError(f"buildah failed under krunvm: {last}", known.remedy)
    return known or error
