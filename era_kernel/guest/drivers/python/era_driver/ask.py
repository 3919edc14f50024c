"""input() and getpass(): the question goes to the front end, the answer comes back as a message."""

import builtins
import sys


class StdinNotAvailable(OSError):
    """The front end that runs this cell answers no questions (nbconvert, nbval)."""


def install(ask):
    """`ask(prompt, password)` gives the answer."""

    def read_line(prompt=""):
        return ask(str(prompt), False)

    def read_password(prompt="Password: ", stream=None, **options):
        return ask(str(prompt), True)

    builtins.input = read_line
    sys.modules.pop("getpass", None)
    _install_getpass(read_password)


def _install_getpass(read_password):
    from era_driver import hooks

    def replace(module):
        module.getpass = read_password

    hooks.when_imported("getpass", replace)
