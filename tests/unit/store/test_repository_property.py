"""Whatever is done in whatever order, the registry is what a dictionary would be, crashes of its file included."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from era_kernel.errors import RegistryError, UnknownVmError
from era_kernel.models import ProcessIdentity, VmRecord, VmState
from era_kernel.paths import open_state
from era_kernel.store.repository import VmRepository
from tests.unit.store.support import record, vm_id

numbers = st.integers(0, 5)
changes = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(VmState),
        "last_run": st.floats(0, allow_infinity=False),
        "digest": st.text(st.characters(exclude_categories=["Cs"])),
        "shim": st.none() | st.builds(ProcessIdentity, st.integers(1, 2**22), st.floats(0, 1e12), st.text("abc-")),
    },
)


class Registry(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="era-test-"))
        self.state = open_state(self.root)
        self.repository = VmRepository(self.state)
        self.model: dict[str, VmRecord] = {}

    @rule(number=numbers, change=changes)
    def add(self, number: int, change: dict[str, object]) -> None:
        made = record(number, **change)
        if made.id in self.model:
            with pytest.raises(RegistryError):
                self.repository.add(made)
        else:
            self.repository.add(made)
            self.model[made.id] = made

    @rule(number=numbers, change=changes)
    def update(self, number: int, change: dict[str, object]) -> None:
        if vm_id(number) in self.model:
            self.model[vm_id(number)] = self.repository.update(vm_id(number), **change)
            assert {name: getattr(self.model[vm_id(number)], name) for name in change} == change
        else:
            with pytest.raises(UnknownVmError):
                self.repository.update(vm_id(number), **change)

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        self.repository.remove(vm_id(number))
        self.model.pop(vm_id(number), None)
        shutil.rmtree(self.state.vm(vm_id(number)).folder, ignore_errors=True)

    @rule()
    def reopen(self) -> None:
        self.repository = VmRepository(self.state)

    @rule(garbage=st.binary(max_size=40))
    def lose_the_file(self, garbage: bytes) -> None:
        self.state.registry.write_bytes(garbage)

    @rule(keep=st.floats(0, 0.99))
    def truncate_the_file(self, keep: float) -> None:
        if self.state.registry.exists():
            data = self.state.registry.read_bytes()
            self.state.registry.write_bytes(data[: int((len(data) - 2) * keep)])

    @invariant()
    def is_what_the_model_is(self) -> None:
        assert {each.id: each for each in self.repository.all()} == self.model

    def teardown(self) -> None:
        shutil.rmtree(self.root)


Registry.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestRegistry = Registry.TestCase
