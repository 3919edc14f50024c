"""Fresh random numbers in a clone: every generator that a session has is seeded again."""

import sys


def reseed(entropy):
    """Seed `random` and numpy's global generator, where they are loaded, with bytes from the host."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed(entropy)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed([int.from_bytes(entropy[at : at + 4], "big") for at in range(0, 32, 4)])
