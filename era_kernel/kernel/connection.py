"""A kernel's way to its VM: finds or starts it, attaches, opens the session; again when any of that ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from era_kernel.errors import EraError, VmLostError
from era_kernel.kernel.headstart import HeadStart
from era_kernel.languages import LanguageSpec
from era_kernel.service.dial import bring_up, dial_driver, dial_own, remove
from era_kernel.service.session import Session, SessionEvents
from era_kernel.shim.client import ShimClient

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2
DISCARD_SECONDS = 3.0


class VmConnection:
    """Gives the kernel its session. `vm_id` '' means the language's own VM, which all its notebooks share; `temporary`
    a VM for this kernel alone, a new one whenever there is none.
    """

    def __init__(
        self,
        language: LanguageSpec,
        vm_id: str,
        events: SessionEvents,
        report: Callable[[str], None],
        head_start: HeadStart | None = None,
        *,
        temporary: bool = False,
    ) -> None:
        self._language = language
        self._vm_id = vm_id
        self._temporary = temporary
        self._events = events
        self._report = report
        self._head_start = head_start
        self._client: ShimClient | None = None
        self._session: Session | None = None
        self._opening: asyncio.Task[Session] | None = None
        self._is_loss_untold = False

    @property
    def current(self) -> Session | None:
        """The session, if there is one that has not ended and is not paused."""
        session = self._session
        return None if session is None or session.ended or session.paused else session

    @property
    def language_version(self) -> str:
        """The version of the language in the VM, as the last session told it; '' as long as none has."""
        return "" if self._session is None else self._session.language_version

    async def session(self) -> Session:
        """The session, opened when there is none. Raises EraError.

        Cancelling one caller leaves the opening under way for the next.
        """
        if self.current is not None:
            return self.current
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def opened(self) -> Session | None:
        """The session, also one that is being opened now; None when there is none and none is coming."""
        if self.current is None and self._opening is not None:
            await asyncio.wait([self._opening])
        return self.current

    async def warm_up(self) -> None:
        """Open the session before anybody asks for it; what fails is told to the first who does."""
        with contextlib.suppress(EraError):
            await self.session()

    async def discard(self) -> None:
        """Remove a temporary VM; its shim sees to what fails here or takes long."""
        if self._temporary and self._client is not None:
            vm_id = self._client.vm_id
            with contextlib.suppress(EraError, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(remove, vm_id), DISCARD_SECONDS)

    async def use(self, vm_id: str) -> None:
        """Leave the session, with its variables, and take another VM for the next one."""
        await self.opened()
        if self._session is not None:
            self._session.close()
        if self._client is not None:
            await self._client.close()
        self._client = self._session = self._head_start = None
        self._vm_id = vm_id

    @property
    def temporary(self) -> bool:
        """Whether the VM is this kernel's alone."""
        return self._temporary

    def take_loss(self) -> bool:
        """Whether a session is gone with its variables, and nobody was told; once."""
        untold, self._is_loss_untold = self._is_loss_untold, False
        return untold

    async def _open(self) -> Session:
        if self._session is not None and self._session.paused and await self._resume(self._session):
            return self._session
        if self._session is not None and (self._session.paused or self._session.ended_unnoticed):
            self._is_loss_untold = True
        if self._client is None or self._client.lost.done():
            session = await self._attach()
        else:
            session = await Session.start(self._client, self._language, self._events)
            await session.wait_ready()
        self._session = session
        return session

    async def _resume(self, session: Session) -> bool:
        """Bring up the VM that was stopped with the session in it; whether the session goes on."""
        try:
            paths = await asyncio.to_thread(bring_up, self._language, session.vm_id, self._reporter())
            self._client = await session.resume(paths)
        except EraError as error:
            log.info("the session does not go on: %s", error)
            return False
        return not session.ended

    def _reporter(self) -> Callable[[str], None]:
        """Progress from whichever thread, told on this loop."""
        loop = asyncio.get_running_loop()

        def report(line: str) -> None:
            loop.call_soon_threadsafe(self._report, line)

        return report

    async def _attach(self) -> Session:
        try:
            return await self._dial()
        except VmLostError:  # it was just going down: then its shim still takes calls
            await asyncio.sleep(RETRY_SECONDS)
            return await self._dial()

    async def _dial(self) -> Session:
        """A new connection and a driver; the first time those that the head start brings."""
        report = self._reporter()
        begun = self._head_start and self._head_start.take(
            self._language, self._vm_id, report, temporary=self._temporary
        )
        self._head_start = None
        if begun:
            dialed = await asyncio.wrap_future(begun)
        elif self._temporary:
            dialed = await asyncio.to_thread(dial_own, self._language, report)
        else:
            dialed = await asyncio.to_thread(dial_driver, self._language, self._vm_id, report)
        log.info("attaching to %s", dialed.paths.folder.name)
        self._client, session = await Session.take_over(dialed, self._events)
        await session.wait_ready()
        return session
