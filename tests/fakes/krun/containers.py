"""Images and containers, by the real buildah, with krunvm's own complaints."""

from __future__ import annotations

import subprocess
from typing import NoReturn

NAME = "krunvm"
FAILED = 255


def fail(line: str) -> NoReturn:
    """krunvm's way: the text on stdout, the status -1."""
    print(line, flush=True)
    raise SystemExit(FAILED)


def buildah(*arguments: str) -> str:
    """What buildah prints; its stderr is ours."""
    try:
        done = subprocess.run(["buildah", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        fail(f"{NAME} requires buildah to manage the OCI images, and it wasn't found on this system.")
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        fail(f"buildah returned an error: {text}")
    return text
