"""The languages that a VM can speak: one spec a file, found here by name or alias."""

from __future__ import annotations

from era_kernel.errors import UnknownLanguageError
from era_kernel.languages.bash import BASH
from era_kernel.languages.go import GO
from era_kernel.languages.node import NODE
from era_kernel.languages.python import PYTHON
from era_kernel.languages.ruby import RUBY
from era_kernel.languages.spec import LanguageSpec

__all__ = ["LANGUAGES", "LanguageSpec", "find_language"]

LANGUAGES: dict[str, LanguageSpec] = {spec.name: spec for spec in (PYTHON, NODE, RUBY, GO, BASH)}


def find_language(name: str) -> LanguageSpec:
    """The spec that `name` or an alias of it means, whatever its case; UnknownLanguageError when none does."""
    wanted = name.strip().lower()
    for spec in LANGUAGES.values():
        if wanted == spec.name or wanted in spec.aliases:
            return spec
    known = ", ".join(sorted(LANGUAGES))
    raise UnknownLanguageError(f"Unsupported language {name!r}", f"Languages: {known}.")
