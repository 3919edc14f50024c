"""The jail around a VMM: the bubblewrap command line. Pure; nothing is looked up here.

A guest that breaks out of QEMU finds: no user of this host (uid 65534, no capability, no way to gain one), no network,
no process but its own, no file but QEMU's libraries and the VM's own disks, and nothing to write to but these.

bwrap is the child that the shim holds. It dies with the shim, and with it the first process of its pid namespace, at
which the kernel kills everything in there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

JAIL_UID = 65534
"""Whom QEMU runs as when we are root; the VM's disks belong to it."""

_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
_PRELOAD = "/era/preload.so"
_SYSTEM = ("/usr", "/lib", "/lib64")
_SETUP_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
"""What setpriv needs to become nobody, and drops on the way."""


@dataclass(frozen=True)
class Tools:
    """Absolute paths of the programs that build a jail. `pasta` and `unshare` are for a jail with a network."""

    bwrap: str
    setpriv: str
    pasta: str = ""
    unshare: str = ""


@dataclass(frozen=True)
class Bind:
    """A file of the host's that is seen in the jail at `target` (absolute)."""

    source: Path
    target: str
    writable: bool = False
    device: bool = False


@dataclass(frozen=True)
class JailNetwork:
    """A user network for a jail: `tun` is the tun device, `resolver` the resolv.conf that names are looked up by."""

    tun: Path
    resolver: Path


@dataclass(frozen=True)
class Jail:
    """`root`: we are root, so that QEMU has to become somebody else. `network` None: no network at all.

    `preload` is a library that is loaded into what runs in the jail.
    """

    tools: Tools
    root: bool
    binds: tuple[Bind, ...]
    network: JailNetwork | None = None
    preload: Path | None = None


def jail_argv(jail: Jail, command: tuple[str, ...]) -> tuple[str, ...]:
    """The command line that runs `command` (absolute path, paths as in the jail) in the jail; fds 0 to 2 pass through.

    As root there is no user namespace: bwrap can map one user only, and that would be root. So the mounts are made by
    root, who sees the files in folders closed to others, and setpriv then becomes nobody for good.
    """
    return (
        jail.tools.bwrap,
        *_namespaces(jail),
        *("--die-with-parent", "--new-session", "--clearenv", "--hostname", "era", "--cap-drop", "ALL"),
        *_mounts(jail),
        *(("--setenv", "LD_PRELOAD", _PRELOAD) if jail.preload else ()),
        *("--chdir", "/", "--"),
        *(_become_nobody(jail.tools.setpriv) if jail.root else ()),
        *(_own_network(jail.tools) if jail.network else ()),
        *command,
    )


def _namespaces(jail: Jail) -> tuple[str, ...]:
    nobody = str(JAIL_UID)
    user = () if jail.root else ("--unshare-user", "--uid", nobody, "--gid", nobody)
    return (*user, *_NAMESPACES, *(() if jail.network else ("--unshare-net",)))


def _mounts(jail: Jail) -> list[str]:
    binds = [
        Bind(Path("/etc/ld.so.cache"), "/etc/ld.so.cache"),
        Bind(Path("/dev/null"), "/dev/null", device=True),
        Bind(Path("/dev/urandom"), "/dev/urandom", device=True),
        *jail.binds,
    ]
    if jail.preload:
        binds.append(Bind(jail.preload, _PRELOAD))
    argv: list[str] = []
    for capability in _SETUP_CAPABILITIES if jail.root else ():
        argv += ("--cap-add", capability)
    for folder in _SYSTEM:
        argv += ("--ro-bind-try", folder, folder)
    if jail.network:
        binds.append(Bind(jail.network.tun, "/dev/net/tun", device=True))
        binds.append(Bind(jail.network.resolver, "/etc/resolv.conf"))
        argv += ("--dir", "/tmp", "--proc", "/proc")
    # A folder that bwrap makes for a bind's sake is closed to nobody; one that --dir makes is not.
    folders = {str(parent) for bind in binds for parent in Path(bind.target).parents}
    for folder in sorted(folders - {"/"}):
        argv += ("--dir", folder)
    for bind in binds:
        argv += (_option(bind), str(bind.source), bind.target)
    return [*argv, "--remount-ro", "/"]


def _option(bind: Bind) -> str:
    if bind.device:
        return "--dev-bind"
    return "--bind" if bind.writable else "--ro-bind"


def _become_nobody(setpriv: str) -> tuple[str, ...]:
    nobody = str(JAIL_UID)
    return (
        *(setpriv, "--reuid", nobody, "--regid", nobody, "--clear-groups"),
        *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"),
    )


def _own_network(tools: Tools) -> tuple[str, ...]:
    """A network namespace that reaches what the host reaches, but nothing on the host itself.

    pasta's namespace has a loopback of its own and the host's own address, so that what listens on either of the
    host's is not reached; `--no-map-gw` and the `none`s close pasta's ways to the host's loopback. pasta gives its
    command capabilities over that namespace; unshare's further user namespace takes them away.
    """
    return (
        *(tools.pasta, "--foreground", "--quiet", "--ipv4-only", "--config-net", "--no-map-gw"),
        *("--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none", "--"),
        *(tools.unshare, "--user", "--"),
    )
