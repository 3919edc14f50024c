"""VMs are clones of one template, and share none of its luck: in no language."""

from __future__ import annotations

import pytest

from era_kernel.languages import LANGUAGES
from era_kernel.loop import run_async
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.conformance.samples import SAMPLES
from tests.vm.session import Cells

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

CLONES = 20


async def session_of(state: StatePaths, record: VmRecord, language: str) -> list[str]:
    """What the first cell of a VM's first session draws."""
    cells = await Cells.open(state.vm(record.id), language)
    words = (await cells.run(SAMPLES[language].random)).split()
    await cells.client.close()
    return words


def clone(manager: Manager, state: StatePaths, language: str) -> list[str]:
    """What a new VM draws. It is removed at once: all of them would be busy starting drivers for more sessions."""
    record = manager.create(language)
    words = run_async(lambda: session_of(state, record, language))
    (outcome,) = manager.clean([record.id])
    assert outcome.error is None
    return words


# A template of its own: what a program seeded in an old one is seeded again for its age.
@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_clones_draw_twenty_different_numbers(manager: Manager, state: StatePaths, language: str) -> None:
    found = [clone(manager, state, language) for _ in range(CLONES)]
    assert len(found[0]) > 1
    for number, values in enumerate(zip(*found, strict=True)):
        assert len(set(values)) == CLONES, f"word {number} is the same in several clones: {sorted(values)}"
