"""`era cache`: what there is, and what goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.support import Era
from tests.unit.templates.test_template import make, used


@pytest.fixture
def stocked(era: Era) -> Era:
    """Two templates and the disk of an image that no VM uses."""
    cache = Path(era.env["ERA_CACHE_DIR"])
    used(make(cache / "templates" / "oldest"), 100.0)
    used(make(cache / "templates" / "newest"), 3e9)
    image = cache / "images" / f"sha256-{'0' * 64}.v2.erofs"
    image.parent.mkdir()
    image.write_bytes(os.urandom(3 << 20))
    return era


def test_an_empty_cache(era: Era) -> None:
    assert era("cache", "list").stdout == "The cache holds nothing that could be pruned.\n"
    assert era("cache", "prune", "--all").stdout == "Freed: 0 MiB\n"


def test_the_least_recently_used_is_first(stocked: Era) -> None:
    lines = stocked("cache", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["template", "oldest"],
        ["image", "disk"],
        ["template", "newest"],
    ]
    assert "image, 1 vCPU, 256 MiB, network none" in lines[1]
    entries = json.loads(stocked("cache", "list", "--json").stdout)
    assert [entry["kind"] for entry in entries] == ["template", "image disk", "template"]
    assert entries[1]["size"] == 3 << 20


def test_prune_stops_when_the_rest_is_small_enough(stocked: Era) -> None:
    assert stocked("cache", "prune").stdout == "Freed: 0 MiB\n"
    pruned = stocked("cache", "prune", "--max-size", "1M").stdout.splitlines()
    assert pruned == ["template oldest removed", "image disk 000000000000 removed", "Freed: 3 MiB"]
    assert stocked("cache", "prune", "--all").stdout.splitlines()[0] == "template newest removed"
    assert stocked("cache", "list").stdout == "The cache holds nothing that could be pruned.\n"


@pytest.mark.parametrize("size", ["much", "-1", "1.5G", "10X", ""])
def test_no_size(era: Era, size: str) -> None:
    ended = era("cache", "prune", "--max-size", size)
    assert ended.status == 2
    assert "is no size such as 500M or 10G" in ended.stderr
