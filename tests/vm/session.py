"""A session in a VM, for tests: cells run, what they print collected."""

from __future__ import annotations

from era_kernel.languages import find_language
from era_kernel.paths import VmPaths
from era_kernel.protocol import driver
from era_kernel.service.session import Session
from era_kernel.shim.client import ShimClient


class Printed:
    """What a session's cells print."""

    def __init__(self) -> None:
        self.stdout = bytearray()

    def text(self, name: str, data: bytes) -> None:
        if name == "stdout":
            self.stdout += data

    def event(self, request: str, event: driver.Event) -> None:
        """Displays are not looked at."""


class Cells:
    """One session."""

    def __init__(self, client: ShimClient, session: Session, printed: Printed) -> None:
        self.client = client
        self.session = session
        self._printed = printed

    @classmethod
    async def open(cls, paths: VmPaths, language: str = "python") -> Cells:
        client = await ShimClient.connect(paths)
        printed = Printed()
        session = await Session.start(client, find_language(language), printed)
        await session.wait_ready()
        return cls(client, session, printed)

    async def run(self, code: str) -> str:
        """What a cell prints; AssertionError when it fails."""
        del self._printed.stdout[:]
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "execution_count": 1,
        }
        reply = (await self.session.execute(content, on_start=lambda request: None)).content
        assert reply.status == "ok", reply
        return self._printed.stdout.decode()
