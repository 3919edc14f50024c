"""C's own output streams, which Python does not see."""

_fflush = None


def flush():
    """fflush(NULL): what C code printed is pushed out."""
    global _fflush
    if _fflush is None:
        _fflush = _find()
    _fflush(None)


def _find():
    try:
        import ctypes

        return ctypes.CDLL(None).fflush
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, or one that is being imported just now
        return lambda stream: None
