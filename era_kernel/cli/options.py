"""What the commands that only a shell has were asked for. Light: imported with every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CacheListOptions:
    json: bool = False


@dataclass(frozen=True)
class CachePruneOptions:
    """`max_size` in bytes; `everything`: nothing stays."""

    max_size: int
    everything: bool = False


@dataclass(frozen=True)
class ConfigOptions:
    """`said`: settings that this command's own options give, None where they do not."""

    said: Mapping[str, object]
    json: bool = False


@dataclass(frozen=True)
class DoctorOptions:
    json: bool = False


@dataclass(frozen=True)
class InstallOptions:
    """Where kernelspecs go: under `prefix`, or among the user's when None. `languages` empty: all.

    `temporary`: those of kernels with a VM of their own too.
    """

    prefix: Path | None = None
    languages: tuple[str, ...] = ()
    temporary: bool = False
