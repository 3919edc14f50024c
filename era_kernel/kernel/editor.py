"""What a front end asks while a cell is typed: completion, help, whether it is whole. The session answers, and for
`%era` lines the host.
"""

from __future__ import annotations

import asyncio
from typing import Any

from era_kernel.errors import EraError
from era_kernel.kernel.connection import VmConnection
from era_kernel.kernel.policy import filter_bundle
from era_kernel.magics import LINE
from era_kernel.service.session import Session


class Editor:
    """Answers are the replies' contents. Where there is no session, or it is busy, they are that nothing is known."""

    def __init__(self, connection: VmConnection) -> None:
        self._connection = connection

    async def complete(self, code: str, cursor: int) -> dict[str, Any]:
        empty = {"matches": [], "cursor_start": cursor, "cursor_end": cursor, "metadata": {}, "status": "ok"}
        if LINE in code and (found_here := await _complete_command(code, cursor)) is not None:
            return {**empty, **found_here}
        session = await self._idle_session()
        if session is None:
            return empty
        try:
            found = (await session.complete(code, cursor)).content
        except EraError:
            return empty
        return {**empty, "matches": found.matches, "cursor_start": found.cursor_start, "cursor_end": found.cursor_end}

    async def inspect(self, code: str, cursor: int, detail_level: int) -> dict[str, Any]:
        nothing = {"status": "ok", "found": False, "data": {}, "metadata": {}}
        if LINE in code and (help_text := _help_for_command(code, cursor)):
            return {**nothing, "found": True, "data": {"text/plain": help_text}}
        session = await self._idle_session()
        if session is None:
            return nothing
        try:
            found = (await session.inspect(code, cursor, detail_level)).content
        except EraError:
            return nothing
        if not found.found:
            return nothing
        data, metadata, _ = filter_bundle(found.data, found.metadata)
        return {"status": "ok", "found": True, "data": data, "metadata": metadata}

    async def is_complete(self, code: str) -> dict[str, Any]:
        session = await self._idle_session()
        if session is None:
            return {"status": "unknown"}
        try:
            found = (await session.is_complete(code)).content
        except EraError:
            return {"status": "unknown"}
        return {"status": found.status, **({"indent": found.indent} if found.status == "incomplete" else {})}

    async def _idle_session(self) -> Session | None:
        """The session for a small request. It waits for one that is being opened, but starts no VM of its own."""
        session = await self._connection.opened()
        return None if session is None or session.busy else session


async def _complete_command(code: str, cursor: int) -> dict[str, Any] | None:
    """What may follow in a `%era` line; None where the cursor is in none."""
    from era_kernel.magics.editor import complete, known_vms, typed_line

    text = typed_line(code, cursor)
    if text is None:
        return None
    found = await asyncio.to_thread(complete, text, cursor, known_vms)
    return {"matches": found.matches, "cursor_start": found.start, "cursor_end": found.end}


def _help_for_command(code: str, cursor: int) -> str:
    from era_kernel.magics.editor import help_for, typed_line

    line_end = code.find("\n", cursor)
    text = typed_line(code, len(code) if line_end < 0 else line_end)
    return "" if text is None else help_for(text)
