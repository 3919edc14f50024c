"""What a session believes of what its driver says."""

from __future__ import annotations

import asyncio
import json

import pytest

from era_kernel.protocol import agent, driver
from era_kernel.service.session import Session


class Nobody:
    """Listens to a session, and does nothing about it."""

    def text(self, name: str, data: bytes) -> None:
        """Text is not looked at."""

    def event(self, request: str, event: driver.Event) -> None:
        """Nor are events."""


def version_told(language_version: str) -> str:
    async def told() -> str:
        session = Session(Nobody())
        content = {"language_version": language_version, "driver": "toy"}
        text = json.dumps({"type": "ready", "id": "", "content": content}).encode()
        session._take(agent.DRIVER_OUT, len(text).to_bytes(4, "big") + text)
        return session.language_version

    return asyncio.run(told())


@pytest.mark.parametrize("version", ["3.11", "20.20.2", "1.19.8.1"])
def test_a_driver_tells_its_language_s_version(version: str) -> None:
    assert version_told(version) == version


@pytest.mark.parametrize("version", ["", "3", "<b>3.1</b>", "3.1\n", "1." * 50 + "1", "12345.1", "٣.١", "3.1-rc1"])
def test_what_is_no_version_is_none(version: str) -> None:
    """Front ends show it: it must hold nothing but figures."""
    assert version_told(version) == ""
