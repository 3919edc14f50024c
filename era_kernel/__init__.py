"""Notebooks whose cells run in a microVM of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext era_kernel`: `%era` and `%%era` in an ordinary IPython notebook."""
    from era_kernel.extension.magic import register

    register(shell)
