"""What a process's command line configures: `--EraConfig.mem=512`. Light: every `era` goes through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

PREFIX = "--EraConfig."
END = "--"

_taken: list[tuple[str, str]] = []


def take_arguments(argv: Sequence[str], aliases: Mapping[str, str] = {}) -> list[str]:
    """Keep what a command line configures for this process; gives the other words, in their order.

    `aliases` are options that mean settings ("--log-level": "log_level"), written with "=" or a space. What is kept is
    checked when it is asked for.
    """
    _taken.clear()
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == END:
            rest += [word, *words]
        elif name.startswith(PREFIX):
            _taken.append((name.removeprefix(PREFIX), value if equals else ""))
        elif name in aliases:
            _taken.append((aliases[name], value if equals else next(words, "")))
        else:
            rest.append(word)
    return rest


def taken() -> Iterator[tuple[str, str]]:
    """(setting, text) as they came; the last of a name is meant."""
    yield from _taken
