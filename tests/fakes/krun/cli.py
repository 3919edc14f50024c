"""krunvm's commands, texts and statuses (krunvm 0.2.6)."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.krun import config, vm
from tests.fakes.krun.containers import buildah, fail

MAX_CPUS = 8
MAX_MEM = 16384


def main(argv: list[str]) -> None:
    head, literal = _split(argv)
    options = parser().parse_args(head)
    if literal and options.subcommand == "start":
        options.args += literal
    stored = config.load()
    if os.getuid() != 0 and "BUILDAH_ISOLATION" not in os.environ:
        fail('Please re-run krunvm inside a "buildah unshare" session')
    raise SystemExit(COMMANDS[options.subcommand](options, stored))


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after `--`: argparse takes no positionals there once an option came between."""
    if "--" not in argv:
        return argv, []
    place = argv.index("--")
    return argv[:place], argv[place + 1 :]


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="krunvm", description="Manage microVMs created from OCI images")
    root.add_argument("-V", "--version", action="version", version="krunvm 0.2.6")
    commands = root.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="Create a new microVM")
    create.add_argument("image")
    create.add_argument("--name")
    _sizes(create)
    create.add_argument("--dns")
    create.add_argument("-w", "--workdir", default="")
    _mappings(create)
    start = commands.add_parser("start", help="Start an existing microVM")
    start.add_argument("name")
    start.add_argument("command", nargs="?")
    start.add_argument("args", nargs="*")
    _sizes(start)
    start.add_argument("--env", action="append", default=[], dest="envs")
    listing = commands.add_parser("list", help="List microVMs")
    listing.add_argument("-d", action="store_true")
    for name, text in (("delete", "Delete an existing microVM"), ("inspect", "Run `buildah inspect` on a microVM")):
        commands.add_parser(name, help=text).add_argument("name")
    change = commands.add_parser("changevm", help="Change the configuration of a microVM")
    change.add_argument("name")
    change.add_argument("--new-name")
    _sizes(change)
    change.add_argument("-w", "--workdir")
    change.add_argument("--remove-volumes", action="store_true")
    change.add_argument("--remove-ports", action="store_true")
    _mappings(change)
    general = commands.add_parser("config", help="Configure global values")
    _sizes(general)
    general.add_argument("--dns")
    return root


def _sizes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cpus", type=int)
    command.add_argument("--mem", type=int)


def _mappings(command: argparse.ArgumentParser) -> None:
    command.add_argument("-v", "--volume", action="append", default=[], dest="volumes")
    command.add_argument("--port", action="append", default=[], dest="ports")


def create(options: argparse.Namespace, stored: config.Config) -> int:
    if options.name == "":
        fail("Invalid name for VM")
    if options.name in stored.vms:
        fail("A VM with this name already exists")
    volumes, ports = parse_volumes(options.volumes), parse_ports(options.ports)
    container = buildah("from", options.image).strip()
    name = options.name or container
    made = config.Vm(
        name=name,
        cpus=stored.default_cpus if options.cpus is None else options.cpus,
        mem=stored.default_mem if options.mem is None else options.mem,
        container=container,
        workdir=options.workdir,
        dns=options.dns or stored.default_dns,
        mapped_volumes=volumes,
        mapped_ports=ports,
    )
    root = Path(buildah("mount", container).strip())
    (root / ".krun_config.json").write_text(buildah("inspect", options.image))
    (root / "etc").mkdir(parents=True, exist_ok=True)
    resolver = root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.write_text(f"options use-vc\nnameserver {made.dns}\n")
    buildah("umount", container)
    stored.vms[name] = made
    config.store(stored)
    print(f"microVM created with name: {name}")
    return 0


def start(options: argparse.Namespace, stored: config.Config) -> int:
    found = stored.vms.get(options.name)
    if found is None:
        fail(f"No VM found with name {options.name}")
    # buildah's overlay driver mounts anew, with inodes and so locks of its own: this lock tells there, too.
    with _lock(config.config_file().with_name(f".{options.name}.lock")):
        buildah("umount", found.container)
        root = Path(buildah("mount", found.container).strip())
        with _lock(root / ".krunvm.lock"):
            return _run(options, found, root)


def _run(options: argparse.Namespace, found: config.Vm, root: Path) -> int:
    arguments = options.args if options.command is not None else []
    return vm.run(found, root, options.command, arguments, options.envs)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("Couldn't acquire lock file. Is another instance of this VM already running?")
        yield


def list_vms(options: argparse.Namespace, stored: config.Config) -> int:
    if not stored.vms:
        print("No microVMs found")
        return 0
    for each in stored.vms.values():
        print()
        print_vm(each)
    print()
    return 0


def print_vm(each: config.Vm) -> None:
    print(each.name)
    print(f" CPUs: {each.cpus}")
    print(f" RAM (MiB): {each.mem}")
    print(f" DNS server: {each.dns}")
    print(f" Buildah container: {each.container}")
    print(f" Workdir: {each.workdir}")
    print(f" Mapped volumes: {_debug(each.mapped_volumes)}")
    print(f" Mapped ports: {_debug(each.mapped_ports)}")


def _debug(pairs: dict[str, str]) -> str:
    """A HashMap as Rust's {:?} shows it."""
    quoted = (f'"{left}": "{right}"' for left, right in pairs.items())
    return "{" + ", ".join(quoted) + "}"


def delete(options: argparse.Namespace, stored: config.Config) -> int:
    found = stored.vms.pop(options.name, None)
    if found is None:
        fail("No VM found with that name")
    buildah("umount", found.container)
    buildah("rm", found.container)
    config.store(stored)
    return 0


def inspect(options: argparse.Namespace, stored: config.Config) -> int:
    found = stored.vms.get(options.name)
    if found is None:
        fail("No VM found with that name")
    print(buildah("inspect", found.container))
    return 0


def changevm(options: argparse.Namespace, stored: config.Config) -> int:
    if options.new_name is not None and options.new_name in stored.vms:
        fail(f"A VM with name {options.new_name} already exists")
    found = stored.vms.get(options.name)
    if found is None:
        fail(f"No VM found with name {options.name}")
    if options.new_name is not None:
        found.name = options.new_name
        stored.vms[options.new_name] = stored.vms.pop(options.name)
    if options.cpus is not None and _cpus_fit(options.cpus):
        found.cpus = options.cpus
    if options.mem is not None and _mem_fits(options.mem):
        found.mem = options.mem
    if options.remove_volumes or options.volumes:
        found.mapped_volumes = {} if options.remove_volumes else parse_volumes(options.volumes)
    if options.remove_ports or options.ports:
        found.mapped_ports = {} if options.remove_ports else parse_ports(options.ports)
    if options.workdir is not None:
        found.workdir = options.workdir
    print()
    print_vm(found)
    print()
    config.store(stored)
    return 0


def configure(options: argparse.Namespace, stored: config.Config) -> int:
    if options.cpus is not None and _cpus_fit(options.cpus):
        stored.default_cpus = options.cpus
    if options.mem is not None and _mem_fits(options.mem):
        stored.default_mem = options.mem
    if options.dns is not None:
        stored.default_dns = options.dns
    config.store(stored)
    print("Global config:")
    print(f"Default number of CPUs for newly created VMs: {stored.default_cpus}")
    print(f"Default amount of RAM (MiB) for newly created VMs: {stored.default_mem}")
    print(f"Default DNS server for newly created VMs: {stored.default_dns}")
    return 0


def _cpus_fit(cpus: int) -> bool:
    if cpus > MAX_CPUS:
        print(f"Error: the maximum number of CPUs supported is {MAX_CPUS}")
    return cpus <= MAX_CPUS


def _mem_fits(mem: int) -> bool:
    if mem > MAX_MEM:
        print(f"Error: the maximum amount of RAM supported is {MAX_MEM} MiB")
    return mem <= MAX_MEM


def parse_volumes(pairs: list[str]) -> dict[str, str]:
    volumes: dict[str, str] = {}
    for pair in pairs:
        host, separator, guest = pair.partition(":")
        if not separator or ":" in guest:
            fail('Invalid value for "volume"')
        if not Path(host).is_absolute():
            fail("Invalid volume, host_path is not an absolute path")
        if not Path(host).exists():
            fail("Invalid volume, host_path does not exists")
        if not Path(guest).is_absolute():
            fail("Invalid volume, guest_path is not an absolute path")
        if len(Path(guest).parts) != 2:
            fail("Invalid volume, only single direct root children are supported as guest_path")
        volumes[host] = guest
    return volumes


def parse_ports(pairs: list[str]) -> dict[str, str]:
    ports: dict[str, str] = {}
    for pair in pairs:
        host, separator, guest = pair.partition(":")
        if not separator:
            fail('Invalid value for "port"')
        for text, which in ((host, "host"), (guest, "guest")):
            if not text.isdigit() or int(text) > 65535:
                fail(f"Invalid {which} port")
        ports[host] = guest
    return ports


COMMANDS = {
    "create": create,
    "start": start,
    "list": list_vms,
    "delete": delete,
    "inspect": inspect,
    "changevm": changevm,
    "config": configure,
}
