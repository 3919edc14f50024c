"""Errors as a notebook shows them: the cell's own lines, nothing of the driver."""

import traceback

_LIMIT = 256 * 1024
_FOLDER = __file__.rpartition("/")[0]


def content(error):
    """ename, evalue and traceback (lines) of an exception."""
    name = type(error).__name__
    text = _safe_str(error)
    return {"ename": name, "evalue": text, "traceback": _lines(error, name, text)}


def _safe_str(error):
    try:
        return str(error)[:_LIMIT]
    except Exception:
        return "<the error's text cannot be shown>"


def _lines(error, name, text):
    frames = None if isinstance(error, SyntaxError) and _raised_by_driver(error) else _without_driver(error)
    try:
        formatted = traceback.TracebackException(type(error), error, frames).format()
        whole = "".join(formatted)
    except Exception:
        whole = f"{name}: {text}"
    if len(whole) > _LIMIT:
        whole = f"{whole[: _LIMIT // 2]}\n... (cut)\n{whole[-_LIMIT // 2 :]}"
    return whole.rstrip("\n").split("\n")


def _raised_by_driver(error):
    """Whether compiling the cell failed, rather than something that the cell compiled."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return (
        frame is None
        or frame.tb_frame.f_code.co_filename.startswith(_FOLDER)
        or frame.tb_frame.f_code.co_name == ("parse")
    )


def _without_driver(error):
    """The traceback from the first frame that is not ours; all of it when there is no other."""
    frame = error.__traceback__
    while frame is not None and _is_ours(frame):
        frame = frame.tb_next
    return frame


def _is_ours(frame):
    name = frame.tb_frame.f_code.co_filename
    return name.startswith(_FOLDER) or "/asyncio/" in name
