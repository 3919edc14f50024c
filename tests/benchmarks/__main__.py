"""`python -m tests.benchmarks`: era-python beside plain ipykernel in one run; medians and their ratio, as a table.

Not a test: figures depend on the machine. The VM is up before the start is measured (its boot is a row of its own), and
the two kernels take turns, so that a noisy neighbour hits both.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field

KERNELS = ("era-python", "python3")
LINES = 125_000
LINE = f"for n in range({LINES}): print(f'{{n:079d}}')"


@dataclass
class Series:
    """The measurements of one figure, by kernel."""

    name: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=lambda: {kernel: [] for kernel in KERNELS})

    def row(self) -> str:
        ours, theirs = (statistics.median(self.values[kernel]) for kernel in KERNELS)
        count = len(self.values[KERNELS[0]])
        return f"| {self.name} | {ours:.1f} {self.unit} | {theirs:.1f} {self.unit} | {ours / theirs:.2f} | {count} |"


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(rounds: int) -> list[Series]:
    """All figures over running kernels, `rounds` times each kernel in turn."""
    from tests.conformance.notebook import notebook

    start = Series("start → first result", "ms")
    trip = Series("round trip of 1+1", "ms")
    rate = Series("10 MB printed in 80-byte lines", "MB/s")
    for _ in range(rounds):
        for kernel in KERNELS:
            begin = time.perf_counter()
            with notebook(kernel) as book:
                book.run("1+1")
                start.values[kernel].append((time.perf_counter() - begin) * 1000)
                trips = [timed(lambda book=book: book.run("1+1")) for _ in range(30)]  # type: ignore[misc]
                trip.values[kernel].append(statistics.median(trips) * 1000)
                seconds = timed(lambda book=book: book.run(LINE, timeout=120))  # type: ignore[misc]
                rate.values[kernel].append(LINES * 80 / seconds / 1e6)
    return [start, trip, rate]


def boot_seconds(rounds: int) -> list[float]:
    """Whole `era vm temp --cmd true` runs: boot, command, power off, in seconds."""
    command = [sys.executable, "-m", "era_kernel", "vm", "temp", "--language", "python", "--cmd", "true"]
    return [timed(lambda: subprocess.run(command, check=True, timeout=180)) for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="era-bench-") as folder:
        os.environ["AGENT_STATE_DIR"] = folder
        era = [sys.executable, "-m", "era_kernel", "vm"]
        try:
            subprocess.run(
                [sys.executable, "-c", "from tests.conformance.notebook import notebook\nwith notebook(): pass"],
                check=True,
                timeout=300,
            )
            series = measure(rounds)
            boots = boot_seconds(rounds)
        finally:
            subprocess.run([*era, "clean", "--all"], check=False, timeout=120, stdout=subprocess.DEVNULL)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} CPUs, medians\n")
    print("| figure | era-python | ipykernel | ratio | runs |\n|---|---|---|---|---|")
    for each in series:
        print(each.row())
    print(f"\n`era vm temp --cmd true`, whole process: {statistics.median(boots):.1f} s ({len(boots)} runs)")


if __name__ == "__main__":
    main()
