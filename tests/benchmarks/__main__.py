"""`python -m tests.benchmarks`: what era_kernel promises, measured; tables on stdout, progress on stderr.

Not a test: figures depend on the machine. Where ipykernel can do the same, the two take turns in one run, so that a
noisy neighbour hits both. `--write` keeps the tables in RESULTS.md.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from tests.benchmarks import cells, fleet, growth, languages, power, restart, restore, session, stages, start, temp
from tests.benchmarks.figure import Figure, markdown, table
from tests.benchmarks.machine import facts
from tests.benchmarks.room import LANGUAGE, Room, room

RESULTS = Path(__file__).with_name("RESULTS.md")
NOTES = "## Where the time goes"
"""Where in RESULTS.md begins what people wrote about the figures: kept, to be looked over when they are new."""

SUBJECTS = {
    "restore": restore,
    "stages": stages,
    "start": start,
    "restart": restart,
    "session": session,
    "cells": cells,
    "temp": temp,
    "power": power,
    "fleet": fleet,
    "growth": growth,
    "languages": languages,
}


def main() -> int:
    options = _options()
    with room(options.rounds) as place:
        place.say("one VM, not counted: what is made once is made now")
        place.manager.create(LANGUAGE)
        place.clear()
        sections = [_head(options.rounds)]
        print(sections[0], flush=True)
        failed: list[str] = []
        for name in options.only or SUBJECTS:
            figures = _measure(name, place)
            if figures is None:
                failed.append(name)
                continue
            sections.append(_section(name, figures))
            print(sections[-1], flush=True)
    if failed:
        print(f"Not measured: {', '.join(failed)}", file=sys.stderr)
    elif options.write:
        RESULTS.write_text("\n".join([*sections, _notes()]))
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each quick thing is done (default: 5)")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, metavar="NAME", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--write", action="store_true", help="keep the tables in RESULTS.md, all of them or none")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds has to be at least 1")
    if options.write and options.only:
        parser.error("--write keeps all figures of one run: leave out --only")
    return options


def _measure(name: str, place: Room) -> list[Figure] | None:
    """A subject's figures; None when it gave none, and why to stderr: the others are worth their time."""
    place.say(name)
    try:
        return list(SUBJECTS[name].measure(place)) or None
    except Exception:  # of whatever it started
        place.say(f"{name} failed:\n{traceback.format_exc()}")
        place.clear()
        return None


def _notes() -> str:
    _, heading, text = RESULTS.read_text().partition(NOTES)
    return heading + text


def _head(rounds: int) -> str:
    made = (
        f"By `python -m tests.benchmarks --rounds {rounds}`. Goals are for medians; n is how many values there are:\n"
        "runs, or VMs where each of them was looked at."
    )
    return f"# What it takes\n\n{made}\n\n{markdown(('what', 'which'), list(facts().items()))}"


def _section(name: str, figures: list[Figure]) -> str:
    return f"## {name}\n\n{(SUBJECTS[name].__doc__ or '').strip()}\n\n{table(figures)}"


if __name__ == "__main__":
    sys.exit(main())
