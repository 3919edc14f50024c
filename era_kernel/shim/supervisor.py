"""The shim: one process a VM, which owns its VMM, its frame stream, its console log and its socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from typing import Any

from era_kernel import process
from era_kernel.errors import EraError, ProtocolError
from era_kernel.launchers.base import BootPlan
from era_kernel.models import ProcessIdentity
from era_kernel.paths import VmPaths
from era_kernel.protocol import agent, control
from era_kernel.protocol.frames import Frame, FrameType
from era_kernel.shim.claims import Claims
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.guest import Guest
from era_kernel.shim.server import ClientLink
from era_kernel.shim.snapshot import SnapshotRecord, discard_snapshot, disk_marks, mark, write_record
from era_kernel.shim.streams import Stream, Streams

log = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0
OWNER_LOOK = 5.0
MIN_POWER_OFF = 2.0
"""Seconds that a guest has to power off when the time went into saving it."""
KILL = 9


class Supervisor:
    """Passes frames between clients and guest until the VM ends; `serve()` returns then."""

    def __init__(
        self,
        paths: VmPaths,
        plan: BootPlan,
        guest: Guest,
        console: ConsoleLog,
        *,
        owner: ProcessIdentity | None = None,
        before: SnapshotRecord | None = None,
    ) -> None:
        """`owner`: the process that a temp VM is for. `before`: of the snapshot from which the guest goes on."""
        self._vm_id = plan.vm_id
        self._paths = paths
        self._plan = plan
        self._guest = guest
        self._console = console
        self._owner = owner
        self._claimed = False
        self._streams: Streams[ClientLink] = Streams()
        self._clients: set[ClientLink] = set()
        self._stats_waiters: list[ClientLink] = []
        self._stopping: asyncio.Task[None] | None = None
        self._frozen = False
        self._saved = False
        self._all_left = asyncio.Event()
        self._claims = Claims(before.streams if before else [])
        if before is not None:
            self._streams.restore(before.streams, before.next_stream)
        guest.link.listen(self._guest_frame)

    async def serve(self) -> None:
        """Until the VM ends: then every client is told why, and the VMM is surely gone."""
        self._end_ownerless()
        self._look_for_owner()
        link, vmm = self._guest.link, self._guest.vmm
        self._run_on = asyncio.create_task(self._watch_room())
        ends: list[asyncio.Future[Any]] = [link.lost, vmm.ended]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not vmm.ended.done() and self._stopping is not None:
            await asyncio.wait([self._stopping])
        await vmm.kill()
        self._run_on.cancel()
        reason = self._reason()
        log.info("%s ended: %s", self._vm_id, reason)
        for client in list(self._clients):
            client.send_control(control.VmGone(reason, stopped=self._stopping is not None, saved=self._saved))
            client.close()
        if self._clients:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), FLUSH_SECONDS)

    def _look_for_owner(self) -> None:
        """A temp VM whose owner died before it attached ends too."""
        if self._owner is None:
            return
        if not self._clients and not process.is_alive(self._owner):
            self._stop(grace=0)
        else:
            asyncio.get_running_loop().call_later(OWNER_LOOK, self._look_for_owner)

    async def _watch_room(self) -> None:
        """See Monitor.run_on; a VM without a monitor, or with one that fails, is not watched."""
        if self._guest.vmm.monitor is not None:
            try:
                await self._guest.vmm.monitor.run_on()
            except (EraError, OSError, TimeoutError) as error:
                log.debug("its monitor is not watched any more: %s", error)

    @property
    def deserted(self) -> bool:
        """Whether a temp VM ended without anybody who removes it: by itself, or because its owner died."""
        return self._owner is not None and (self._stopping is None or not process.is_alive(self._owner))

    def _reason(self) -> str:
        if self._stopping is not None:
            return f"{self._vm_id} was stopped"
        status = self._guest.vmm.ended.result() if self._guest.vmm.ended.done() else None
        link = self._guest.link
        cause = link.lost.result() if link.lost.done() else "The VM ended"
        last = self._console.tail(1)
        console = f" Its console ends with: {last}" if last else ""
        return f"{cause} (its hypervisor's status was {status}).{console}"

    # ---- from clients

    def client_joined(self, client: ClientLink) -> None:
        self._clients.add(client)
        self._all_left.clear()
        claimed = [self._streams.claim(client, stream) for stream in self._claims.take(client.token)]
        resumed = {stream.client_stream: self._streams.credit_before(stream, held) for stream, held in claimed}
        client.send_control(control.Attached(self._vm_id, self._guest.agent_version, resumed))
        for stream, held in claimed:
            for frame in held:
                client.send(frame.type, stream.client_stream, frame.payload)
            for fd, credit in self._streams.fill_up(stream):
                self._guest.link.send(FrameType.WINDOW, stream.guest_stream, agent.encode_window(fd, credit))

    def _end_ownerless(self) -> None:
        """Processes of clients that ended while the VM was stopped end too, as if they had left now."""
        for guest_stream in self._claims.take_ownerless():
            self._end_process(self._streams.abandon(guest_stream))
        if self._claims:
            asyncio.get_running_loop().call_later(OWNER_LOOK, self._end_ownerless)

    def client_left(self, client: ClientLink) -> None:
        self._clients.discard(client)
        self._stats_waiters = [waiter for waiter in self._stats_waiters if waiter is not client]
        for stream in self._streams.leave(client):
            self._end_process(stream)
        if not self._clients:
            self._all_left.set()
            if self._owner is not None and self._claimed:
                self._stop(grace=0)

    def _end_process(self, stream: Stream[ClientLink]) -> None:
        link = self._guest.link
        link.send(FrameType.SIGNAL, stream.guest_stream, agent.encode_signal(KILL, agent.Scope.ALL))
        for fd in sorted(agent.OUTPUT_FDS | agent.INPUT_FDS):
            link.send(FrameType.CLOSE, stream.guest_stream, bytes([fd]))

    def client_frame(self, client: ClientLink, frame: Frame) -> None:
        link = self._guest.link
        if self._frozen:
            return
        if frame.type is FrameType.SPAWN:
            self._claimed = True  # who only looks at VMs is nobody whose leaving counts
            stream = self._streams.open(client, frame.stream, frame.payload)
            link.send(FrameType.SPAWN, stream.guest_stream, frame.payload)
        elif frame.type is FrameType.STATS:
            self._stats_waiters.append(client)
            link.send(FrameType.STATS)
        else:
            found = self._streams.from_client(client, frame)
            if found is not None:
                if frame.type is FrameType.DATA:
                    self._streams.sent_to_guest(found, frame.payload)
                link.send(frame.type, found.guest_stream, frame.payload)

    def client_control(self, client: ClientLink, message: control.ClientControl) -> None:
        match message:
            case control.StatusRequest():
                uptime = time.monotonic() - self._guest.since
                client.send_control(control.ShimStatus(self._streams.live, uptime, self._streams.sessions))
            case control.StopRequest(grace, keep):
                self._stop(grace, keep)
            case control.Attach():
                raise ProtocolError("A client attached twice")

    # ---- from the guest

    def _guest_frame(self, frame: Frame) -> None:
        if frame.stream != 0:
            stream = self._streams.from_guest(frame)
            if stream is not None and stream.owner is not None:
                stream.owner.send(frame.type, stream.client_stream, frame.payload)
        elif frame.type is FrameType.STATS:
            agent.parse_stats(frame.payload)
            if not self._stats_waiters:
                raise ProtocolError("It sent figures that nobody asked for")
            self._stats_waiters.pop(0).send(FrameType.STATS, 0, frame.payload)
        elif frame.type is FrameType.ERROR:
            log.warning("the agent refused something: %s", agent.parse_error(frame.payload))
        else:
            raise ProtocolError(f"It sent {frame.type.name} on stream 0")

    # ---- end

    def _stop(self, grace: float, keep: bool = False) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._end(grace, keep))

    async def _end(self, grace: float, keep: bool) -> None:
        """Save the guest if that is wanted and works; else have it sync and power off, in time or not."""
        deadline = asyncio.get_running_loop().time() + grace
        if keep and self._plan.monitor and await self._save(grace):
            await self._guest.vmm.kill()
            return
        if grace > 0:
            self._guest.link.send(FrameType.POWEROFF)
        left = max(MIN_POWER_OFF if keep else 0, deadline - asyncio.get_running_loop().time())
        _, late = await asyncio.wait([self._guest.vmm.ended], timeout=left)
        if late and grace > 0:
            log.warning("%s did not power off within %.0f s and is ended", self._vm_id, grace)
        if late:
            await self._guest.vmm.kill()

    async def _save(self, grace: float) -> bool:
        """Make a snapshot; whether there is one. What clients send from now on would be lost, so nothing is taken."""
        self._frozen = True
        self._run_on.cancel()  # the monitor is one conversation
        await asyncio.wait([self._run_on])
        try:
            async with asyncio.timeout(grace):
                await self._write_snapshot()
        except (EraError, OSError, TimeoutError) as error:
            log.warning("%s could not be saved and is powered off: %s", self._vm_id, error or type(error).__name__)
            discard_snapshot(self._paths)
            return False
        self._saved = True
        return True

    async def _write_snapshot(self) -> None:
        with self._paths.snapshot.open("wb") as state:
            await self._guest.save(state, memory_apart=False)
            os.fsync(state.fileno())
        record = SnapshotRecord(
            fingerprint=self._plan.fingerprint,
            state=mark(self._paths.snapshot),
            disks=disk_marks(self._paths),
            streams=self._streams.save(lambda client: (client.token, client.process)),
            next_stream=self._streams.next_stream,
        )
        write_record(self._paths, record)

    def stop_soon(self) -> None:
        """SIGTERM to the shim: the same as a client's stop."""
        self._stop(grace=10.0)
