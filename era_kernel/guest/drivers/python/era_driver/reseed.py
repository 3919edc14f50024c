"""Fresh random numbers: a forked session in a cloned VM has the state of its generators from elsewhere."""

import sys


def reseed():
    """Seed `random`, and numpy's global generator, where they are loaded, from the kernel's own.

    uuid, secrets and numpy.random.default_rng() read that in any case; the agent has seeded it before.
    """
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
