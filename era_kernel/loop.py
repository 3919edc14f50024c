"""From plain code into asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a loop and a thread of its own: a notebook's thread has a loop already."""
    with ThreadPoolExecutor(1, thread_name_prefix="era-loop") as pool:
        return pool.submit(lambda: asyncio.run(main())).result()
