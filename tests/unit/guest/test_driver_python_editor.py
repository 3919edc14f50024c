"""What an editor asks the python driver: completion, inspection, whether a cell is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, StartDriver, running_driver

pytestmark = pytest.mark.timeout(60)

SETUP = """\
import os, sys
table = {'alpha': 1, 'al pha': 2, 3: 4}
class Thing:
    'A thing.'
    ran = []
    rows = [{'key': 'text'}]
    @property
    def danger(self): self.ran.append(1)
    def method(self, first, second=2): 'Its doc.'
    def __call__(self): self.ran.append(2)
thing = Thing()
def work(alpha, *, beta=1):
    'What it does.'
"""


@pytest.fixture(scope="module")
def peer(start_driver: StartDriver) -> Iterator[DriverPeer]:
    with running_driver(start_driver) as running:
        assert running.run(SETUP).reply.status == "ok"
        yield running


def complete(peer: DriverPeer, code: str) -> list[str]:
    """The code with each match put in."""
    reply = peer.request("complete_request", code=code, cursor_pos=len(code)).reply
    assert reply.cursor_end == len(code)
    return [code[: reply.cursor_start] + match for match in reply.matches]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("zi", "zip"),
        ("wh", "while"),
        ("tab", "table"),
        ("import sys; sys.version_i", "import sys; sys.version_info"),
        ("os.path.joi", "os.path.join"),
        ("x = [thing.met", "x = [thing.method"),
        ("thing.rows[0]['key'].uppe", "thing.rows[0]['key'].upper"),
        ("'abc'.joi", "'abc'.join"),
        ("é = 'ü𝄞'; é.uppe", None),
        ("é = 'ü𝄞'.uppe", "é = 'ü𝄞'.upper"),
        ("table['alp", "table['alpha"),
        ('f(table["al ', 'f(table["al pha'),
        ("thing.rows[0]['", "thing.rows[0]['key"),
        ("work(alp", "work(alpha="),
        ("work(1,\n  bet", "work(1,\n  beta="),
        ("thing.method(1, seco", "thing.method(1, second="),
        ("f'{table.key", "f'{table.keys"),
        ("f'{{tabl", None),
        ("import collection", "import collections"),
        ("import os.pa", "import os.path"),
        ("import os as o, collection", "import os as o, collections"),
        ("from concurrent.futur", "from concurrent.futures"),
        ("from os import path, getc", "from os import path, getcwd"),
        ("from collections import (\n  Ordered", "from collections import (\n  OrderedDict"),
        ("from wave import ope", "from wave import open"),
        ("# zi", None),
        ("'''\nzi", None),
        ("zip().mro", None),
        ("thing.danger.", None),
        ("1.", None),
        ("nothing.", None),
    ],
)
def test_completion(peer: DriverPeer, code: str, expected: str | None) -> None:
    found = complete(peer, code)
    assert (expected in found) if expected else found == []


def test_completion_in_the_middle_takes_what_is_before_the_cursor(peer: DriverPeer) -> None:
    reply = peer.request("complete_request", code="zi + 1", cursor_pos=2).reply
    assert (reply.matches, reply.cursor_start, reply.cursor_end) == (["zip"], 0, 2)


def test_paths_are_completed_in_strings(peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "folder one").mkdir()
    (tmp_path / ".hidden").touch()
    assert complete(peer, f"open('{tmp_path}/") == [f"open('{tmp_path}/folder one/"]


def test_private_names_come_when_they_are_asked_for(peer: DriverPeer) -> None:
    assert "thing.__class__" not in complete(peer, "thing.")
    assert "thing.__class__" in complete(peer, "thing.__cl")


def test_looking_runs_nothing(peer: DriverPeer) -> None:
    for code in ("thing.danger.", "thing().", "thing.danger"):
        complete(peer, code)
        peer.request("inspect_request", code=code, cursor_pos=len(code), detail_level=1)
    assert peer.value("thing.ran") == "[]"
    assert peer.value("'wave' in sys.modules") == "False"


@pytest.mark.parametrize("body", ["raise SystemExit", "while True: pass"])
def test_code_that_is_met_can_do_no_harm(peer: DriverPeer, body: str) -> None:
    peer.run(f"class Bad:\n    def __dir__(self):\n        print('met', flush=True)\n        {body}\nbad = Bad()")
    peer.output[1].clear()
    peer.send("complete_request", "f" * 32, code="bad.x", cursor_pos=5)
    peer.stdout(b"met")
    peer.interrupt()
    assert peer.answer("f" * 32).reply.matches == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("zip", ["Type:        type", "Docstring:"]),
        ("work", ["Signature:   work(alpha, *, beta=1)", "What it does."]),
        ("work(1, ", ["Signature:   work(alpha, *, beta=1)"]),
        ("work(unknown(", ["Signature:   work(alpha, *, beta=1)"]),
        ("x = thing.method", ["Signature:   thing.method(first, second=2)", "Its doc."]),
        ("table", ["Type:        dict", "String form: {'alpha': 1", "Length:      3"]),
        ("os.path", ["Type:        module", "posixpath"]),
    ],
)
def test_inspection(peer: DriverPeer, code: str, expected: list[str]) -> None:
    reply = peer.request("inspect_request", code=code, cursor_pos=len(code), detail_level=0).reply
    assert reply.found
    assert list(reply.data) == ["text/plain"]
    for text in expected:
        assert text in reply.data["text/plain"]


def test_inspection_shows_source_at_level_one(peer: DriverPeer) -> None:
    for level in (0, 1):
        reply = peer.request("inspect_request", code="work", cursor_pos=2, detail_level=level).reply
        assert ("def work(alpha" in reply.data["text/plain"]) == bool(level)


@pytest.mark.parametrize("code", ["nothing", "", "1 +", "thing.danger", "# zip"])
def test_inspection_of_nothing(peer: DriverPeer, code: str) -> None:
    assert not peer.request("inspect_request", code=code, cursor_pos=len(code), detail_level=1).reply.found


def test_inspection_of_something_huge_is_bounded(peer: DriverPeer) -> None:
    peer.run("huge = list(range(10 ** 6))")
    reply = peer.request("inspect_request", code="huge", cursor_pos=4, detail_level=1).reply
    assert len(reply.data["text/plain"]) < 200_000


COMPLETE = ["1", "", "# c", "def f(x):\n  return x*2\n\n", "await x", "for i in x: pass", "!ls", "if x:\n    y\n    "]
INVALID = ["import = 7q", "x = = 2", "%timeit 1", "\0"]


@pytest.mark.parametrize(("code", "status"), [*((c, "complete") for c in COMPLETE), *((c, "invalid") for c in INVALID)])
def test_whole_cells(peer: DriverPeer, code: str, status: str) -> None:
    reply: driver.IsCompleteReplyContent = peer.request("is_complete_request", code=code).reply
    assert (reply.status, reply.indent) == (status, "")


@pytest.mark.parametrize(
    ("code", "indent"),
    [
        ("print('''hello", ""),
        ("def f(x):\n  x*2", "  "),
        ("def f(x):\n  x*2\n", "  "),
        ("for i in range(3):", "    "),
        ("a = [1,", ""),
        ("@decorator", ""),
        ("x = 1 \\", ""),
        ("if 1:\n    pass\nelse:", "    "),
        ("!ls\nfor x in y:", "    "),
    ],
)
def test_half_cells(peer: DriverPeer, code: str, indent: str) -> None:
    reply = peer.request("is_complete_request", code=code).reply
    assert (reply.status, reply.indent) == ("incomplete", indent)
