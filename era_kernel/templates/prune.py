"""Templates that were not used for long go when all of them take too much room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from era_kernel.paths import cache_root
from era_kernel.templates.template import METADATA, Template, load, remove

T = TypeVar("T")

LIMIT = 10 << 30
"""Bytes that templates may take together."""


def templates() -> list[Template]:
    """All whole templates of the cache, the least recently used first."""
    found = (load(each.parent) for each in (cache_root() / "templates").glob(f"[!.]*/{METADATA}"))
    return sorted((each for each in found if each is not None), key=Template.last_used)


def surplus(sized: Sequence[tuple[T, int]], limit: int) -> list[T]:
    """The first of some things, given with their sizes, that have to go so that the rest takes `limit` at most."""
    total = sum(size for _, size in sized)
    gone: list[T] = []
    for thing, size in sized:
        if total <= limit:
            break
        total -= size
        gone.append(thing)
    return gone


def prune(limit: int, keep: str = "") -> list[Template]:
    """Remove least recently used templates, but the one with the key `keep`, until all take `limit` bytes at most."""
    kept = [(each, each.size()) for each in templates()]
    stays = sum(size for each, size in kept if each.key == keep)
    removed = surplus([(each, size) for each, size in kept if each.key != keep], limit - stays)
    for each in removed:
        remove(each.folder)
    _remove_broken()
    return removed


def _remove_broken() -> None:
    """What is no whole template is of no use to anybody; what is being made has a name that begins with a dot."""
    for folder in (cache_root() / "templates").glob("[!.]*"):
        if folder.is_dir() and load(folder) is None:
            remove(folder)
