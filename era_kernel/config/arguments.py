"""What a process's command line configures: `--EraConfig.mem=512`. Light: every `era` goes through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PREFIX = "--EraConfig."
END = "--"

_settings: dict[str, str] = {}
_options: dict[str, tuple[str, str]] = {}


def take_arguments(argv: Sequence[str], aliases: Mapping[str, str] = {}) -> list[str]:
    """Keep what a command line configures for this process; gives the other words, in their order.

    `aliases` are the command's own options that mean settings ("--log-level": "log_level"), written with "=" or a
    space. The last of a name is meant. What is kept is checked when it is asked for.
    """
    _settings.clear()
    _options.clear()
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == END:
            rest += [word, *words]
        elif name.startswith(PREFIX):
            _settings[name.removeprefix(PREFIX)] = value
        elif name in aliases:
            _options[aliases[name]] = name, value if equals else next(words, "")
        else:
            rest.append(word)
    return rest


def settings() -> Mapping[str, str]:
    """What --EraConfig said: {setting: text}."""
    return _settings


def options() -> Mapping[str, tuple[str, str]]:
    """What the command's own options said: {setting: (option, text)}."""
    return _options
