"""Cleaning happens in a process that is ended when it takes too long, and is there again for the next text."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from era_kernel.markup import cleaner as cleaner_module
from era_kernel.markup.cleaner import MAX_MARKUP, Cleaner
from era_kernel.markup.kinds import Kind

QUADRATIC = "<div>" * 100_000
"""nh3 takes half a minute for it."""


@pytest.fixture
def cleaner() -> Iterator[Cleaner]:
    made = Cleaner()
    yield made
    made.close()


def worker_of(cleaner: Cleaner) -> int | None:
    """Its process, while it has one."""
    return None if cleaner._worker is None else cleaner._worker.pid


def test_texts_are_cleaned_by_one_worker(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "<b onclick=x>é</b>") == "<b>é</b>"
    first = worker_of(cleaner)
    assert cleaner.clean(Kind.MARKDOWN, "*a*") == "<p><em>a</em></p>\n"
    assert cleaner.clean(Kind.HTML, "<script>x</script>") is None
    assert cleaner.clean(Kind.HTML, "\n1\n-\n") == "\n1\n-\n"
    assert worker_of(cleaner) == first


def test_what_takes_too_long_is_given_up_and_the_next_is_cleaned(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "a") == "a"
    started = time.monotonic()
    assert cleaner.clean(Kind.HTML, QUADRATIC) is None
    assert time.monotonic() - started < cleaner_module.SECONDS + 5
    assert worker_of(cleaner) is None
    assert cleaner.clean(Kind.HTML, "b") == "b"


def test_a_worker_that_is_killed_is_made_anew(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "a") == "a"
    worker = psutil.Process(worker_of(cleaner))
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    assert cleaner.clean(Kind.HTML, "lost") is None
    assert cleaner.clean(Kind.HTML, "b") == "b"


def test_too_much_is_not_even_sent(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "x" * (MAX_MARKUP + 1)) is None
    assert worker_of(cleaner) is None


def test_what_grows_beyond_the_limit_is_not_shown(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "<" * (MAX_MARKUP // 2)) is None


def test_the_worker_ends_with_whoever_uses_it(cleaner: Cleaner) -> None:
    assert cleaner.clean(Kind.HTML, "a") == "a"
    worker = psutil.Process(worker_of(cleaner))
    assert cleaner._stream is not None
    cleaner._stream.close()
    assert worker.wait(10) is not None
