"""Bash."""

from era_kernel.languages.spec import LanguageSpec

# A perl program that keeps one bash; perl-base and bash are in each Debian image. A bash that has begun cannot be
# forked: the driver itself is started ahead.
_DRIVER = ("perl", "/.era/drivers/bash/driver.pl")

BASH = LanguageSpec(
    name="bash",
    aliases=frozenset({"sh", "shell"}),
    display_name="Bash (microVM)",
    version="5",
    public_image="docker.io/library/debian:bookworm-slim",
    local_image="localhost/era/bash",
    driver=_DRIVER,
    warm=_DRIVER,
    hello="bash -c 'echo hello world'",
    file_extension=".sh",
    mimetype="text/x-sh",
    pygments_lexer="bash",
    codemirror_mode="shell",
    line_comment="#",
)
