"""What the `era cache` commands do. Each handler takes (manager, options, front_end) and gives the exit status."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from era_kernel.cli.options import CacheListOptions, CachePruneOptions
from era_kernel.commands.front_end import FrontEnd

if TYPE_CHECKING:
    from era_kernel.service.cache import CacheEntry
    from era_kernel.service.manager import Manager

COLUMNS = ("Kind", "Name", "Size(MiB)", "Last used", "For")
MIB = 1 << 20


def list_cache(manager: Manager, options: CacheListOptions, front_end: FrontEnd) -> int:
    """Show what the cache holds, the least recently used first."""
    entries = manager.cache()
    if options.json:
        import json

        front_end.document(json.dumps([fields(entry) for entry in entries], indent=2) + "\n")
    elif not entries:
        front_end.line("The cache holds nothing that could be pruned.")
    else:
        front_end.table(COLUMNS, [row(entry) for entry in entries])
        front_end.line(f"Total: {sum(entry.size for entry in entries) / MIB:.0f} MiB")
    return 0


def prune(manager: Manager, options: CachePruneOptions, front_end: FrontEnd) -> int:
    """Remove what was not used for longest."""
    removed = manager.prune_cache(0 if options.everything else options.max_size)
    for entry in removed:
        front_end.line(f"{entry.kind} {entry.name} removed")
    front_end.line(f"Freed: {sum(entry.size for entry in removed) / MIB:.0f} MiB")
    return 0


def fields(entry: CacheEntry) -> dict[str, object]:
    """An entry for JSON: size in bytes, time in seconds since the epoch."""
    return {
        "kind": entry.kind.value,
        "name": entry.name,
        "about": entry.about,
        "size": entry.size,
        "last_used": entry.last_used,
        "path": str(entry.path),
    }


def row(entry: CacheEntry) -> tuple[str, ...]:
    used = datetime.fromtimestamp(entry.last_used).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return entry.kind.value, entry.name, f"{entry.size / MIB:.0f}", used, entry.about
