"""Completion and help of `%era` lines that are typed in IPython."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from era_kernel.languages import LANGUAGES
from era_kernel.magics import LINE
from era_kernel.magics.editor import complete, known_vms, typed_line

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

SESSION_OPTIONS = ("--language", "--vm", "--out")
"""Of `%%era` above a cell for a session."""
_HELP = re.compile(r"\?{1,2}%{1,2}era\s*|%{1,2}era(?P<rest>[ \t][^\n]*?)?\?{1,2}")


def register(shell: InteractiveShell) -> None:
    """Have IPython complete these lines, with nothing else beside, and show our help where `?` asks for it."""
    from IPython.core.completer import context_matcher

    ipython: Any = shell  # half of its methods have no types
    ipython.Completer.custom_matchers.append(context_matcher()(_match))
    ipython.input_transformers_cleanup.insert(0, ask_for_help)


def ask_for_help(lines: list[str]) -> list[str]:
    """`%era list?` as `%era help list`, where it is the whole cell; other cells as they are."""
    asked = _HELP.fullmatch("".join(lines).strip())
    if asked is None:
        return lines
    return [f"{LINE} help {' '.join((asked['rest'] or '').split()[:1])}\n"]


def _match(context: CompletionContext) -> SimpleMatcherResult:
    from IPython.core.completer import SimpleCompletion

    before = context.text_until_cursor
    text = typed_line(before, len(before))
    matches, begun = matches_for(text) if text is not None else ([], "")
    return {
        "completions": [SimpleCompletion(each, type="magic") for each in matches],
        "suppress": bool(matches),
        "matched_fragment": begun,
        "ordered": True,
    }


def matches_for(text: str) -> tuple[list[str], str]:
    """What may follow behind `%era`, and the begun word that it takes the place of."""
    words = text.split()
    begun = "" if not text or text[-1].isspace() else words.pop()
    if (words or [begun])[0].startswith("--"):
        return sorted(each for each in _for_session(words) if each.startswith(begun)), begun
    found = complete(text, len(text), known_vms)
    return found.matches, text[found.start :]


def _for_session(words: Sequence[str]) -> Sequence[str]:
    last = words[-1] if words else ""
    if last == "--language":
        return list(LANGUAGES)
    if last == "--vm":
        return known_vms()
    return () if last == "--out" else SESSION_OPTIONS
