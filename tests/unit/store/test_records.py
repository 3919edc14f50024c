"""Which documents are records, which are broken, which are of a newer version."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from era_kernel.errors import RegistryError
from era_kernel.models import ProcessIdentity
from era_kernel.store.records import parse_record, parse_tables
from era_kernel.store.storage import CorruptRegistryError
from tests.unit.store.support import record, vm_id


def document(**changes: Any) -> dict[str, Any]:
    full = record(1, shim=ProcessIdentity(1, 2.0, "boot"))
    built: dict[str, Any] = msgspec.to_builtins(full)
    return built | changes


def test_records_come_back_by_id_in_their_order() -> None:
    tables = {"vms": {"7": document(), "2": document(id=vm_id(2))}}
    assert list(parse_tables(tables)) == [vm_id(1), vm_id(2)]
    assert parse_tables(tables)[vm_id(1)] == record(1, shim=ProcessIdentity(1, 2.0, "boot"))


def test_a_record_without_the_fields_that_have_a_default_is_read() -> None:
    old = document()
    del old["owner"], old["last_run"]
    assert parse_record(old).owner is None


@pytest.mark.parametrize(
    "broken",
    [{"state": "paused"}, {"created": "now"}, {"spec": 1}, {"shim": {"pid": "1"}}, {"spec": {"language": "python"}}]
    + [{"id": name} for name in ("", "..", "python-1/../..", "python-0000000", "python-00000001\n", "-00000001")],
)  # fmt: skip
def test_a_wrong_value_is_corrupt(broken: dict[str, Any]) -> None:
    with pytest.raises(CorruptRegistryError):
        parse_record(document(**broken))


def test_a_missing_field_is_corrupt() -> None:
    short = document()
    del short["digest"]
    with pytest.raises(CorruptRegistryError, match="digest"):
        parse_record(short)


@pytest.mark.parametrize("tables", [{}, {"_default": {}}, {"vms": {"one": document()}}])
def test_another_shape_is_corrupt(tables: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(CorruptRegistryError):
        parse_tables(tables)


def test_two_records_of_one_vm_are_corrupt() -> None:
    with pytest.raises(CorruptRegistryError, match="two records"):
        parse_tables({"vms": {"1": document(), "2": document()}})


@pytest.mark.parametrize(
    ("newer", "named"),
    [
        ({"snapshot": "x", "created": "another type"}, "snapshot"),
        ({"spec": {"language": "python", "image": "i", "gpu": 1}}, r"spec\.gpu"),
        ({"shim": {"pid": 1, "create_time": 1.0, "boot_id": "b", "cgroup": "c"}}, r"shim\.cgroup"),
    ],
)
def test_a_field_that_we_do_not_know_says_newer_version(newer: dict[str, Any], named: str) -> None:
    with pytest.raises(RegistryError, match=f"{named}.*newer era_kernel"):
        parse_record(document(**newer))


def test_a_table_that_we_do_not_know_says_newer_version() -> None:
    with pytest.raises(RegistryError, match=r"pools.*newer era_kernel"):
        parse_tables({"vms": {}, "pools": {}})
