"""Notebooks in a real browser: JupyterLab in chromium, driven by playwright-core."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Lab

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

CELLS = [
    "print('hello from the VM')",
    "import time\nfor step in range(1, 4):\n    print('step', step)\n    time.sleep(1)",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(3, 1.5))\nplt.plot([1, 4, 9]);",
    "x = 41\nprint('begun')\nwhile True:\n    pass",
    "x + 1",
]


def test_cells_stream_are_interrupted_and_restarted(lab: Lab) -> None:
    lab.run("cells", CELLS)


def test_the_panel_shows_makes_stops_starts_and_cleans_vms(lab: Lab) -> None:
    lab.run("panel", ["x = 41", "%era status"])


def test_the_panel_is_silent_where_nobody_looks(lab: Lab) -> None:
    lab.run("quiet", ["x = 41", "%era status", "import time\nprint('begun')\ntime.sleep(8)\nprint('done')"])


def test_the_panel_can_be_read_in_the_dark(lab: Lab) -> None:
    lab.run("dark", ["x = 41", "%era status"])
