from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.support import Era


@pytest.fixture
def era(tmp_path: Path) -> Era:
    return Era(tmp_path)


@pytest.fixture
def toy_era(tmp_path: Path) -> Era:
    """`era` whose VMs are processes of this host: for what the command line itself has to do right."""
    return Era(tmp_path, "tests.unit.cli.toy")
