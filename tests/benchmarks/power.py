"""A VM stopped and started again: with its memory kept, and by booting."""

from __future__ import annotations

from collections.abc import Sequence

from era_kernel.models import VmRecord
from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.room import LANGUAGE, Room, seconds


def measure(room: Room) -> Sequence[Figure]:
    record = room.manager.create(LANGUAGE)
    try:
        kept = [_again(room, record, keep=True) for _ in range(room.rounds)]
        booted = [_again(room, record, keep=False) for _ in range(room.few)]
    finally:
        room.clear()
    stops, starts = zip(*kept, strict=True)
    offs, boots = zip(*booted, strict=True)
    return [
        Figure("stop with a snapshot", "s", stops),
        Figure("start from the snapshot", "s", starts, goal=Goal(0.3)),
        Figure("stop by power-off", "s", offs),
        Figure("plain boot, for comparison", "s", boots),
    ]


def _again(room: Room, record: VmRecord, *, keep: bool) -> tuple[float, float]:
    """Seconds to stop and to start. RuntimeError when the VM did not stop in the way that was asked for."""
    stop = seconds(lambda: room.manager.stop([record.id], power_off=not keep))
    if room.paths(record).snapshot_record.exists() != keep:
        raise RuntimeError(f"{record.id} was stopped {'without' if keep else 'with'} a snapshot")
    return stop, seconds(lambda: room.manager.start(record.id))
