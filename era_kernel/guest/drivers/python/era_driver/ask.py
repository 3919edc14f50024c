"""input() and getpass(): the question goes to the front end, the answer comes back as a message."""

import builtins

from era_driver import hooks


class StdinNotAvailable(OSError):
    """Nobody answers: the front end does not (nbconvert, nbval), or it is not the cell itself that asks."""


def install(ask):
    """`ask(prompt, password)` gives the answer."""

    def read_line(prompt="", /):
        return ask(str(prompt), False)

    def read_password(prompt="Password: ", stream=None, **options):
        return ask(str(prompt), True)

    read_line.__name__ = read_line.__qualname__ = "input"
    read_line.__doc__ = builtins.input.__doc__
    builtins.input = read_line
    hooks.when_imported("getpass", lambda module: setattr(module, "getpass", read_password))
