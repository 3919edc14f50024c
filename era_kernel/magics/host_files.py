"""Which files of this machine a cell of an era kernel may name: cells may come from anybody, so only what lies beside
their notebook.
"""

from __future__ import annotations

from pathlib import Path

from era_kernel.errors import UsageError


def beside_notebook(path: Path, folder: Path, *, write: bool) -> Path:
    """The real path of a visible file below `folder`, the notebook's own; when it is written, a new one.

    Raises UsageError for all others: a cell that was written to harm must not read keys, nor plant a file that runs.
    """
    root = folder.resolve()
    try:
        real = (root / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    shell = "In a shell, era vm cp copies any file."
    if not real.is_relative_to(root) or any(part.startswith(".") for part in real.relative_to(root).parts):
        raise UsageError(f"{path} is out of a cell's reach: only visible files beside the notebook are not", shell)
    if write and real.exists():
        raise UsageError(f"{path} is there already, and cells do not replace files", shell)
    return real
