"""Templates that were not used for long go when all of them take too much room."""

from __future__ import annotations

from era_kernel.paths import cache_root
from era_kernel.templates.template import METADATA, Template, load, remove

LIMIT = 10 << 30
"""Bytes that templates may take together."""


def templates() -> list[Template]:
    """All whole templates of the cache, the least recently used first."""
    found = (load(each.parent) for each in (cache_root() / "templates").glob(f"[!.]*/{METADATA}"))
    return sorted((each for each in found if each is not None), key=Template.last_used)


def prune(limit: int, keep: str = "") -> list[Template]:
    """Remove least recently used templates, but the one with the key `keep`, until all take `limit` bytes at most."""
    kept = templates()
    total = sum(each.size() for each in kept)
    removed: list[Template] = []
    for each in kept:
        if total <= limit:
            break
        if each.key != keep:
            total -= each.size()
            removed.append(each)
            remove(each.folder)
    _remove_broken()
    return removed


def _remove_broken() -> None:
    """What is no whole template is of no use to anybody; what is being made has a name that begins with a dot."""
    for folder in (cache_root() / "templates").glob("[!.]*"):
        if folder.is_dir() and load(folder) is None:
            remove(folder)
