"""What the host has to know of a language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageSpec:
    """A language: its names, its images, how its driver is started in the guest, how front ends show it.

    `local_image` is what `setup_scripts/images/debian.sh NAME` builds and is taken when it is there, `public_image` is
    the original agent's. `driver` is the guest command line of the driver. `warm` is what a
    guest runs before anybody asks for a session: a zygote that forks drivers, or, where interpreters cannot fork, the
    driver itself; empty for nothing. `hello` is a shell command. `version` is what front ends are told until a session
    has said which version its image has.
    `line_comment` begins a comment that ends with its line.
    """

    name: str
    aliases: frozenset[str]
    display_name: str
    version: str
    public_image: str
    local_image: str
    driver: tuple[str, ...]
    warm: tuple[str, ...]
    hello: str
    file_extension: str
    mimetype: str
    pygments_lexer: str
    codemirror_mode: str | dict[str, str | int]
    line_comment: str
