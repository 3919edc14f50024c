"""Run a notebook with the kernel that it names and print what its cells printed, as a transcript."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

CELL_TIMEOUT = 300


def shown(output: Any) -> str:
    """An output as text; images by their type."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "\n".join(output.traceback) + "\n"
    images = [kind for kind in output.data if kind.startswith("image/")]
    return "".join(f"[{kind}]\n" for kind in images) or f"{output.data.get('text/plain', '')}\n"


def main() -> None:
    path = Path(sys.argv[1])
    notebook = nbformat.read(path, as_version=4)
    config = Config({"KernelManager": {"transport_encryption": "auto"}})
    client = NotebookClient(notebook, timeout=CELL_TIMEOUT, config=config)
    failed = False
    try:
        client.execute()
    except CellExecutionError:
        failed = True
    for cell in notebook.cells:
        if cell.cell_type == "code":
            print("\n".join(f">>> {line}" for line in cell.source.splitlines()))
            print("".join(shown(output) for output in cell.outputs))
    sys.exit(failed)


main()
