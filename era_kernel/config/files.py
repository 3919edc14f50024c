"""`era_kernel_config.py` and `.json` in Jupyter's configuration folders.

The Python one is run, as every Jupyter program's is: its folders are the user's and the administrator's. The folder
that we are started in, a notebook's, is none of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from era_kernel.config.sources import Found, unknown
from era_kernel.errors import ConfigError

if TYPE_CHECKING:
    from traitlets.config import Config

BASE_NAME = "era_kernel_config"
SECTION = "EraConfig"


def from_files() -> Mapping[str, Found]:
    """What the files say; of two that say the same the one in the folder that Jupyter looks at first. Each is read once
    a process. Raises ConfigError, which names file and line.
    """
    return _read_all(tuple(config_files()))


def config_files() -> list[str]:
    """The files that there are, the weakest first; of one folder the .json is the stronger, as Jupyter has it."""
    folders = reversed(config_folders())
    candidates = [os.path.join(folder, BASE_NAME + end) for folder in folders for end in (".py", ".json")]  # noqa: PTH118
    return [path for path in candidates if os.path.isfile(path)]  # noqa: PTH113 - a folder that is closed to us is none


def config_folders() -> Sequence[str]:
    """Jupyter's configuration folders, the strongest first."""
    if os.environ.get("JUPYTER_NO_CONFIG"):  # for which jupyter_core would make an empty folder
        return []
    from jupyter_core.paths import jupyter_config_path

    return jupyter_config_path()


@cache
def _read_all(paths: tuple[str, ...]) -> Mapping[str, Found]:
    found: dict[str, Found] = {}
    for path in paths:
        found |= _read(path)
    return found


def _read(path: str) -> dict[str, Found]:
    from traitlets import TraitError
    from traitlets.config import Config

    from era_kernel.config.traits import EraConfig

    said = _load(path)
    for section, content in said.items():
        if section != SECTION or not isinstance(content, Config):
            raise ConfigError(f"{_at(path, section)}: only {SECTION} is configured here", f"Write c.{SECTION}.NAME.")
    found = {}
    traits = EraConfig.class_traits(config=True)
    for name, value in said.get(SECTION, {}).items():
        if name not in traits:
            raise unknown(_at(path, name), name)
        try:
            made = EraConfig(config=Config({SECTION: {name: value}}))
        except TraitError as error:
            raise ConfigError(f"{_at(path, name)}: {error}") from None
        found[name] = Found(getattr(made, name), path)
    return found


def _load(path: str) -> Config:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    loader = (PyFileConfigLoader if path.endswith(".py") else JSONFileConfigLoader)(path)
    try:
        said: Config = loader.load_config()
    except (Exception, SystemExit) as error:
        line = _line_of_error(path, error)
        where = f"{path}, line {line}" if line else path
        raise ConfigError(f"{where}: {_said(error)}", "Correct it, or remove the file.") from None
    return said


def _line_of_error(path: str, error: BaseException) -> int | None:
    """The last line of the file that what was raised came by."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    line: int | None = getattr(error, "lineno", None)  # json's
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == path:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _said(error: BaseException) -> str:
    text = getattr(error, "msg", None) or getattr(error, "strerror", None) or error
    return f"{type(error).__name__}: {text}"


def _at(path: str, name: str) -> str:
    """The file with the last line that sets something of this name, if one is found."""
    setting = re.compile(rf'[^#"]*\.{re.escape(name)}\b|\s*[{{,]?\s*"{re.escape(name)}"\s*:')
    lines = Path(path).read_text(errors="replace").splitlines()
    found = [number for number, line in enumerate(lines, 1) if setting.match(line)]
    return f"{path}, line {found[-1]}" if found else path
