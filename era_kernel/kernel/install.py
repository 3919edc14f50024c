"""Kernelspecs: what they say, where they go, and taking away none but our own.

Format: jupyter_client, "Making kernels for Jupyter", Kernel specs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from era_kernel.errors import EraError, UsageError
from era_kernel.languages import LANGUAGES, LanguageSpec, find_language

MODULE = "era_kernel.kernel"
SPEC_FILE = "kernel.json"
LOGO_FILE = "logo-svg.svg"


@dataclass(frozen=True)
class InstalledSpec:
    """A kernelspec that Jupyter finds: its folder, and the program that its argv starts."""

    folder: Path
    executable: str


def spec_name(language: LanguageSpec, *, temporary: bool = False) -> str:
    """The kernelspec's name, which is its folder's too. `temporary`: of kernels that have a VM of their own each."""
    return f"era-{language.name}-temp" if temporary else f"era-{language.name}"


def kernel_json(language: LanguageSpec, executable: str, *, temporary: bool = False) -> dict[str, Any]:
    """The content of kernel.json for the kernel of `language` in the Python `executable`.

    `-P` keeps the notebook's folder, where Jupyter starts kernels, off the host's module path: a `json.py` in there
    would run on the host. `supported_encryption` is what jupyter_client (8.10) looks at before it encrypts a
    kernel's sockets (manager.py, _kernel_supports_curve_encryption).
    """
    argv = [executable, "-P", "-m", MODULE, "-f", "{connection_file}", "--language", language.name]
    about = "era microVM, temporary" if temporary else "era microVM"
    return {
        "argv": [*argv, "--temp"] if temporary else argv,
        "display_name": f"{language.display_name.removesuffix(' (microVM)')} ({about})",
        "language": language.name,
        "interrupt_mode": "message",
        "env": {},
        "metadata": {"debugger": False, "supported_encryption": ["curve"]},
    }


def logo_svg(language: LanguageSpec) -> str:
    """The logo: a chip with the language's initials."""
    pins = "".join(
        f'<path d="M{at} 2v10M{at} 52v10M2 {at}h10M52 {at}h10" stroke="#5b6b7b" stroke-width="3"/>'
        for at in (20, 32, 44)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">\n'
        f"{pins}\n"
        '<rect x="10" y="10" width="44" height="44" rx="8" fill="#20344a"/>\n'
        '<text x="32" y="40" font-family="sans-serif" font-size="22" font-weight="bold" fill="#fff" '
        f'text-anchor="middle">{language.name[:2].capitalize()}</text>\n'
        "</svg>\n"
    )


def spec_files(language: LanguageSpec, executable: str, *, temporary: bool = False) -> dict[str, str]:
    """What a kernelspec's folder holds: {file name: text}."""
    return {
        SPEC_FILE: json.dumps(kernel_json(language, executable, temporary=temporary), indent=2) + "\n",
        LOGO_FILE: logo_svg(language),
    }


def kernels_folder(prefix: Path | None) -> Path:
    """Where kernelspecs go: below `prefix`, or among the user's own when None."""
    if prefix is not None:
        return prefix.absolute() / "share" / "jupyter" / "kernels"
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "kernels"


def chosen_languages(names: tuple[str, ...]) -> list[LanguageSpec]:
    """The languages named, each once, or all when none is. Raises UnknownLanguageError."""
    if not names:
        return list(LANGUAGES.values())
    return list({spec.name: spec for spec in map(find_language, names)}.values())


def install_spec(language: LanguageSpec, kernels: Path, executable: str, *, temporary: bool = False) -> bool:
    """Write a kernelspec; False when it was there just so. UsageError for somebody else's, EraError when it
    cannot be written.
    """
    folder = kernels / spec_name(language, temporary=temporary)
    if _executable_of(folder) is None and (folder / SPEC_FILE).exists():
        raise UsageError(f"{folder} holds a kernelspec that is not ours", "Remove or rename it first.")
    changed = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in spec_files(language, executable, temporary=temporary).items():
            changed |= _replace(folder / name, text)
    except OSError as error:
        raise EraError(
            f"The kernelspec {folder} cannot be written: {error.strerror}",
            "Use --user, or --prefix with a folder of your own.",
        ) from error
    return changed


def uninstall_spec(language: LanguageSpec, kernels: Path, *, temporary: bool = False) -> bool:
    """Remove a kernelspec of ours; False when there is none. Files that are not ours stay.

    Raises EraError when it cannot be removed.
    """
    folder = kernels / spec_name(language, temporary=temporary)
    if _executable_of(folder) is None:
        return False
    try:
        if folder.is_symlink():
            folder.unlink()
            return True
        for name in (SPEC_FILE, LOGO_FILE):
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise EraError(f"The kernelspec {folder} cannot be removed: {error.strerror}") from error
    return True


def find_installed(language: LanguageSpec) -> InstalledSpec | None:
    """The kernelspec of `language` that this Python's Jupyter takes: the first one on its path. None: there is none."""
    from jupyter_core.paths import jupyter_path

    for folder in map(Path, jupyter_path("kernels")):
        found = folder / spec_name(language)
        if (found / SPEC_FILE).is_file():
            return InstalledSpec(found, _executable_of(found) or "")
    return None


def _executable_of(folder: Path) -> str | None:
    """The program that a kernelspec of ours starts; None for one that is not ours, or none at all."""
    try:
        argv = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))["argv"]
        return str(argv[0]) if MODULE in argv[1:] else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _replace(path: Path, text: str) -> bool:
    """Put `text` into a file, readable by all, at once; False when that is what it holds."""
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True
