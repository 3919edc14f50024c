"""krunvm's configuration as the crate confy keeps it: one TOML file under the user's configuration folder.

It is read and written without a lock and not atomically, as krunvm does: two krunvms at once lose one's entry.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Vm:
    """A VM's entry in `vmconfig_map`. `mem` in MiB; volumes from host path to guest path, ports likewise."""

    name: str
    cpus: int
    mem: int
    container: str
    workdir: str
    dns: str
    mapped_volumes: dict[str, str] = field(default_factory=dict)
    mapped_ports: dict[str, str] = field(default_factory=dict)


@dataclass
class Config:
    default_cpus: int = 2
    default_mem: int = 1024
    default_dns: str = "1.1.1.1"
    vms: dict[str, Vm] = field(default_factory=dict)


def config_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "krunvm" / "default-config.toml"


def load() -> Config:
    """What is stored; written with its defaults when there is none, as confy does."""
    file = config_file()
    if not file.exists():
        store(Config())
        return Config()
    stored = tomllib.loads(file.read_text())
    vms = {name: Vm(**vm) for name, vm in stored["vmconfig_map"].items()}
    return Config(stored["default_cpus"], stored["default_mem"], stored["default_dns"], vms)


def store(config: Config) -> None:
    lines = [
        "version = 1",
        f"default_cpus = {config.default_cpus}",
        f"default_mem = {config.default_mem}",
        f"default_dns = {_text(config.default_dns)}",
        'storage_volume = ""',
        "",
        "[vmconfig_map]",
    ]
    for vm in config.vms.values():
        table = f"vmconfig_map.{_text(vm.name)}"
        lines += ["", f"[{table}]"]
        lines += [f"{key} = {_text(getattr(vm, key))}" for key in ("name", "container", "workdir", "dns")]
        lines += [f"cpus = {vm.cpus}", f"mem = {vm.mem}"]
        for key, pairs in (("mapped_volumes", vm.mapped_volumes), ("mapped_ports", vm.mapped_ports)):
            lines += ["", f"[{table}.{key}]", *(f"{_text(left)} = {_text(right)}" for left, right in pairs.items())]
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False)
