"""Completion, inspection and completeness of the bash driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.samples.bash import BASH
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


def completed(peer: DriverPeer, text: str) -> list[str]:
    """The whole texts that completion at the end of a text offers."""
    reply = peer.request("complete_request", code=text + "\nlast", cursor_pos=len(text)).reply
    assert reply.cursor_end == len(text)
    return [text[: reply.cursor_start] + match for match in reply.matches]


def test_commands_functions_variables_and_files(bash_peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "a file é").touch()
    (tmp_path / "folder").mkdir()
    bash_peer.run(f"größe() {{ :; }}; my_function() {{ :; }}; my_variable=1; cd '{tmp_path}'")
    assert "é; echo" in completed(bash_peer, "é; ech")
    assert completed(bash_peer, "if my_fun") == ["if my_function"]
    assert completed(bash_peer, "echo ${my_var") == ["echo ${my_variable"]
    assert completed(bash_peer, "cat a") == ["cat a\\ file\\ é"]
    assert completed(bash_peer, "cat a\\ f") == ["cat a\\ file\\ é"]
    assert completed(bash_peer, "cd fol") == ["cd folder/"]
    assert completed(bash_peer, "cat no-such") == []
    assert completed(bash_peer, "") == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ('cat "a f', 'cat "a file $1'.replace("$", "\\$")),
        ("cat 'a f", "cat 'a file $1"),
        ("cat a", "cat a\\ file\\ \\$1"),
        ("cat a\\ file\\ \\$", "cat a\\ file\\ \\$1"),
        ("cat $here/a", "cat $here/a\\ file\\ \\$1"),
        ("cat ${here}/a", "cat ${here}/a\\ file\\ \\$1"),
        ('cat "$here/a', 'cat "$here/a file \\$1'),
        ("cat ~/a", "cat ~/a\\ file\\ \\$1"),
        ("# don't\ncat 'x' a", "# don't\ncat 'x' a\\ file\\ \\$1"),
        ('echo "$(my_fun', 'echo "$(my_function'),
        ('echo "$her', 'echo "$here'),
        ("export her", "export here"),
        ("if :; then unset -v x her", "if :; then unset -v x here"),
        ("set -o pipef", "set -o pipefail"),
        ("shopt -s globs", "shopt -s globstar"),
        ("trap 'echo' INT SIGUSR", "trap 'echo' INT SIGUSR1"),
    ],
)
def test_names_in_their_places(bash_peer: DriverPeer, tmp_path: Path, text: str, whole: str) -> None:
    (tmp_path / "a file $1").touch()
    bash_peer.run(f"my_function() {{ :; }}; cd '{tmp_path}'; here=$PWD HOME=$PWD; set -eu")
    assert whole in completed(bash_peer, text)


def test_inspection(bash_peer: DriverPeer) -> None:
    bash_peer.run("x=5; f() { echo body; }")
    for word, text in {"x": 'x="5"', "f": "echo body", "cd": "Change the shell", "ls": "ls is "}.items():
        found = bash_peer.request("inspect_request", code=word, cursor_pos=len(word), detail_level=0).reply
        assert found.found
        assert text in found.data["text/plain"]
    for code in ("no_such_name_anywhere", "", "'    ; echo"):
        assert not bash_peer.request("inspect_request", code=code, cursor_pos=5, detail_level=0).reply.found


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *(("complete", code) for code in (*BASH.complete, "", "é", "shopt -s extglob; echo !(a)", "x " * 100_000)),
        *(("incomplete", code) for code in (*BASH.incomplete, "cat <<E\nx", "ls |", "ls \\", "f() {", "a && ", "$(ls")),
        *(("invalid", code) for code in (*BASH.invalid, ")", "done")),
    ],
)
def test_completeness(bash_peer: DriverPeer, status: str, code: str) -> None:
    assert bash_peer.request("is_complete_request", code=code).reply.status == status
