"""Fresh random numbers in a clone: every generator that a session has is seeded again."""

import sys


def reseed(entropy):
    """Seed `random` and numpy's global generator, where they are loaded, with bytes from the host.

    uuid, secrets and numpy.random.default_rng() read the kernel's generator, which the agent has seeded.
    """
    random = sys.modules.get("random")
    if random is not None:
        random.seed(entropy)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed([int.from_bytes(entropy[at : at + 4], "big") for at in range(0, len(entropy), 4)])
