"""The few IPython lines that notebooks are full of: `!command`, `%pip`, `%matplotlib`. Others are explained.

Looked at only when a cell is no Python, so that no valid cell is ever changed. `$name` and `{name}` are the shell's.
"""

import os
import re
import shlex
import sys

from era_driver import scan

_LINE = re.compile(r"([ \t]*)([!%]+)(.*)\Z")
_RUN = "__import__('era_driver.shell', fromlist=['run']).run(%r)"


def translate(source, name):
    """The source with such lines as Python, line by line; None when it has none. SyntaxError for other magics."""
    done, changed = "", False
    for number, line in enumerate(source.split("\n"), 1):
        match = _LINE.match(line)
        if match and not done.endswith("\\\n") and scan.at_end(done).is_statement():
            line = match[1] + _python(match[2], match[3].strip(), (name, number, len(match[1]) + 1, line))
            changed = True
        done += line + "\n"
    return done if changed else None


def _python(mark, text, place):
    word, _, rest = text.partition(" ")
    if mark == "!":
        return _RUN % text
    if mark == "%" and word == "pip":
        return _RUN % f"{shlex.quote(sys.executable)} -m pip {rest}"
    if mark == "%" and word == "matplotlib":
        return "pass"  # figures are shown at the end of the cell anyway
    if word == "era":
        where = "the begin of a line only, outside of blocks" if mark == "%" else "the begin of a cell only"
        raise SyntaxError(f"{mark}era counts at {where}", place)
    raise SyntaxError(
        f"a cell runs plain Python: {mark}{word} is an IPython magic. Of those the era kernel knows !command, %pip and "
        "%matplotlib; for programs there is also subprocess.run([...], check=True)",
        place,
    )


def run(command):
    """Run a shell command, its output the cell's; the exit status is in `_exit_code`, as in IPython."""
    status = os.system(command)
    sys.modules["__main__"].__dict__["_exit_code"] = os.waitstatus_to_exitcode(status)
