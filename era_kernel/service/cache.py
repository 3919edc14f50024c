"""What the cache holds that can be made again: listed, and removed when it takes too much room."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filelock import Timeout

from era_kernel.images.overlay import drop_unused_bases
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths, cache_root
from era_kernel.store.repository import VmRepository
from era_kernel.templates.prune import surplus, templates
from era_kernel.templates.template import Template, remove

log = logging.getLogger(__name__)


class CacheKind(StrEnum):
    TEMPLATE = "template"
    IMAGE = "image disk"


@dataclass(frozen=True)
class CacheEntry:
    """`size` in bytes on disk, `last_used` in seconds since the epoch; `about` tells people what it is for."""

    kind: CacheKind
    name: str
    about: str
    size: int
    last_used: float
    path: Path


def cache_entries(state: StatePaths) -> list[CacheEntry]:
    """What may be pruned, the least recently used first: templates, and disks of images that no VM uses."""
    used = {record.digest for record in VmRepository(state).all()}
    found = [*map(_template_entry, templates()), *_image_entries(used)]
    return sorted(found, key=lambda entry: entry.last_used)


def prune_cache(state: StatePaths, max_size: int) -> list[CacheEntry]:
    """Remove the least recently used entries until all take `max_size` bytes at most; those that went.

    A VM that is up does not notice; what is missed later is made again.
    """
    removed = surplus([(entry, entry.size) for entry in cache_entries(state)], max_size)
    for entry in removed:
        _REMOVE[entry.kind](entry.path)
    _drop_bases(state)
    return removed


def _template_entry(template: Template) -> CacheEntry:
    spec = template.metadata.spec
    about = f"{spec.image}, {spec.cpu} vCPU, {spec.mem} MiB, network {spec.network}"
    return CacheEntry(
        CacheKind.TEMPLATE, template.key[:12], about, template.size(), template.last_used(), template.folder
    )


def _image_entries(used: Iterable[str]) -> list[CacheEntry]:
    in_use = {digest.replace(":", "-") for digest in used}
    entries = []
    for path in (cache_root() / "images").glob("*.erofs"):
        digest = path.name.partition(".")[0]
        if digest not in in_use:
            status = path.stat()
            last = max(status.st_atime, status.st_mtime)
            name = digest.removeprefix("sha256-")[:12]
            entries.append(CacheEntry(CacheKind.IMAGE, name, digest, status.st_blocks * 512, last, path))
    return entries


def _drop_bases(state: StatePaths) -> None:
    """Disks of templates that lie in the state folder for VMs that are no more."""
    records: list[VmRecord] = VmRepository(state).all()
    if not state.disks.is_dir():
        return
    try:
        drop_unused_bases(state.disks, [state.vm(record.id).disk for record in records])
    except (OSError, Timeout) as error:
        log.warning("unused disks of templates stay: %s", error)


_REMOVE: dict[CacheKind, Callable[[Path], None]] = {
    CacheKind.TEMPLATE: remove,
    CacheKind.IMAGE: lambda path: path.unlink(missing_ok=True),
}
