"""What a setting's value may be: one check for what a file of the user's says and for the text of a variable."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

_SHIFT = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Kind(msgspec.Struct, frozen=True):
    """`check` gives the value that a text or a Python object means, or raises ValueError; `must` tells what it takes,
    in words that follow "has to be"; `show` writes a value as a text that means it.
    """

    must: str
    check: Callable[[object], object]
    show: Callable[[Any], str] = str


def parse_seconds(value: object) -> float:
    """A time limit of more than 0 s, "30s" among others. Raises ValueError."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        seconds = float(value.removesuffix("s") if isinstance(value, str) else value)
        if 0 < seconds < math.inf:
            return seconds
    raise ValueError(value)


def parse_size(value: object) -> int:
    """Bytes, of a number or of "500M" or "10G". Raises ValueError."""
    text = "" if isinstance(value, bool) else str(value).strip()
    found = re.fullmatch(r"(\d{1,12})(?:([KMGT]?)(?:i?B)?)", text, re.IGNORECASE)
    if found is None:
        raise ValueError(value)
    return int(found[1]) << _SHIFT[found[2].upper()]


def whole_number(least: int, unit: str) -> Kind:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str) or int(value) < least:
            raise ValueError(value)
        return int(value)

    return Kind(f"a whole number of {unit}, {least} or more", check)


def one_of(*words: str) -> Kind:
    def check(value: object) -> str:
        if isinstance(value, str) and (word := value.strip().lower()) in words:
            return word
        raise ValueError(value)

    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", check)


def _word(value: object) -> str:
    if isinstance(value, str) and (word := value.strip().lower()) and " " not in word:
        return word
    raise ValueError(value)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    found = _SWITCH.get(str(value).strip().lower())
    if found is None:
        raise ValueError(value)
    return found


def _path(value: object) -> Path:
    if isinstance(value, str | Path) and str(value) and "\0" not in str(value):
        try:
            return Path(value).expanduser().absolute()
        except RuntimeError as error:  # "~nobody"
            raise ValueError(value) from error
    raise ValueError(value)


def _images(value: object) -> dict[str, str]:
    from era_kernel.errors import UnknownLanguageError
    from era_kernel.languages import find_language

    if isinstance(value, str):
        value = dict(_pair(part) for part in value.split(",") if part.strip())
    if not isinstance(value, Mapping) or not all(isinstance(image, str) and image for image in value.values()):
        raise ValueError(value)
    try:
        return {find_language(str(language)).name: image for language, image in value.items()}
    except UnknownLanguageError as error:
        raise ValueError(value) from error


def _pair(text: str) -> tuple[str, str]:
    language, equals, image = text.partition("=")
    if not equals:
        raise ValueError(text)
    return language.strip(), image.strip()


def _show_size(size: int) -> str:
    unit = next(unit for unit, shift in reversed(_SHIFT.items()) if size % (1 << shift) == 0)
    return f"{size >> _SHIFT[unit]}{unit}"


SECONDS = Kind("a number of seconds above 0", parse_seconds, "{:g}".format)
SIZE = Kind("a number of bytes, or a size such as 500M or 10G", parse_size, _show_size)
WORD = Kind("one word", _word)
SWITCH = Kind("True or False (in a variable 1 or 0)", _switch, lambda value: str(int(value)))
PATH = Kind("a path", _path)
IMAGES = Kind(
    'the images by known languages, {"python": "REFERENCE"} (as text python=REFERENCE,…)',
    _images,
    lambda images: ",".join(f"{language}={image}" for language, image in images.items()),
)
