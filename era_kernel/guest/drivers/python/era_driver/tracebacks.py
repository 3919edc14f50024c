"""Errors as a notebook shows them: the cell's own lines, nothing of the driver."""

import re
import traceback

_LIMIT = 256 * 1024
_FOLDER = __file__.rpartition("/")[0] + "/"
_CELL = re.compile(r'^([ |+-]*)File "(Cell In\[\d+\])", line', re.M)


def content(error):
    """ename, evalue and traceback (lines) of an exception, whatever its own methods do."""
    name = type(error).__name__
    text = _safe_str(error)
    return {"ename": name, "evalue": text, "traceback": _lines(error, name, text)}


def _safe_str(error):
    try:
        return str(error)[:_LIMIT]
    except Exception:
        return "<the error's text cannot be shown>"


def _lines(error, name, text):
    try:
        whole = "".join(_without_driver(traceback.TracebackException(type(error), error, error.__traceback__)).format())
    except Exception:
        whole = f"{name}: {text}"
    whole = _CELL.sub(r"\1\2, line", whole)
    if len(whole) > _LIMIT:
        whole = f"{whole[: _LIMIT // 2]}\n... (cut)\n{whole[-_LIMIT // 2 :]}"
    return whole.rstrip("\n").split("\n")


def _without_driver(told):
    """A TracebackException, and those that it holds, without our frames and asyncio's that only led to the cell."""
    waiting, seen = [told], set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        frames = [frame for frame in each.stack or () if not frame.filename.startswith(_FOLDER)]
        cell = next((at for at, frame in enumerate(frames) if "/asyncio/" not in frame.filename), len(frames))
        each.stack[:] = frames[cell:]
        if not each.stack:
            each.stack = None  # else the header of an empty traceback is shown
        waiting += [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]
    return told
