"""What goes onto the wire is what jupyter_client itself would send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jupyter_client.session import Session, json_packer

from era_kernel.kernel.app import EraKernelApp
from era_kernel.kernel.packing import pack


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"text": 'é\u2028\x00"\\\n𝄞', "n": [1, 2.5, None, True], "nested": {"a": {}}},
        {"date": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)},
        {"date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"tuple": (1, 2), "bytes": b"abc"},
        {1: "a number as a key"},
    ],
)
def test_it_reads_the_same(content: dict[Any, Any]) -> None:
    assert json.loads(pack(content)) == json.loads(json_packer(content))


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert json.loads(pack({"code": "a\ud800b", "\udc00": "😀"})) == {"code": "a\ufffdb", "\ufffd": "😀"}


def test_the_application_s_session_packs_so() -> None:
    session = EraKernelApp().session
    assert isinstance(session, Session)
    assert session.pack is pack
    header = session.msg("status")["header"]
    assert session.unpack(session.pack(header))["msg_id"] == header["msg_id"]
