"""Kernelspecs: what they say, where they go, and that only ours go away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from era_kernel.kernel.install import SPEC_FILE, kernel_json, spec_files, spec_name
from era_kernel.languages import LANGUAGES, LanguageSpec
from tests.unit.cli.support import ROOT, Era


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_the_packaged_kernelspec_is_what_the_code_makes(language: LanguageSpec) -> None:
    folder = ROOT / "kernelspecs" / spec_name(language)
    expected = spec_files(language, "python")
    assert {path.name: path.read_text() for path in folder.iterdir()} == expected


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_a_kernelspec_says_what_front_ends_look_for(language: LanguageSpec) -> None:
    spec = kernel_json(language, "/usr/bin/python3")
    module = spec["argv"].index("-m")
    assert spec["argv"][0] == "/usr/bin/python3"
    assert spec["argv"][module:] == [
        "-m", "era_kernel.kernel", "-f", "{connection_file}", "--language", language.name,
    ]  # fmt: skip
    assert spec["interrupt_mode"] == "message"
    assert spec["metadata"] == {"debugger": False, "supported_encryption": ["curve"]}
    assert (spec["language"], spec["env"]) == (language.name, {})


def test_the_display_name() -> None:
    assert kernel_json(LANGUAGES["python"], "")["display_name"] == "Python (era microVM)"
    assert kernel_json(LANGUAGES["python"], "", temporary=True)["display_name"] == "Python (era microVM, temporary)"


def test_kernels_with_a_vm_of_their_own_are_installed_where_they_are_wanted(era: Era, tmp_path: Path) -> None:
    where = ("--prefix", str(tmp_path), "--language", "python")
    folder = tmp_path / "share" / "jupyter" / "kernels" / "era-python-temp"
    era("install", *where)
    assert not folder.exists()
    assert [line.split()[0] for line in era("install", "--temp", *where).stdout.splitlines()] == [
        "era-python",
        "era-python-temp",
    ]
    spec = json.loads((folder / SPEC_FILE).read_text())
    assert spec["argv"][-3:] == ["--language", "python", "--temp"]
    assert len(era("uninstall", *where).stdout.splitlines()) == 2
    assert not folder.exists()
    assert len(era("uninstall", *where).stdout.splitlines()) == 1


@pytest.mark.parametrize("safe", [True, False], ids=["as installed", "without -P"])
def test_a_module_in_the_notebooks_folder_is_not_run_on_the_host(era: Era, tmp_path: Path, safe: bool) -> None:
    (tmp_path / "zmq.py").write_text("raise SystemExit(77)")
    argv = kernel_json(LANGUAGES["python"], sys.executable)["argv"]
    start = [word for word in argv[: argv.index("-f")] if safe or word != "-P"]
    ended = subprocess.run(
        [*start, "--version"], cwd=tmp_path, env=era.env, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == (0 if safe else 77)


@pytest.mark.parametrize("place", ["user", "prefix"])
def test_install_and_uninstall(era: Era, tmp_path: Path, place: str) -> None:
    where = ("--user",) if place == "user" else ("--prefix", str(tmp_path / "p"))
    data = tmp_path / "home" / ".local" / "share" if place == "user" else tmp_path / "p" / "share"
    kernels = data / "jupyter" / "kernels"
    first = era("install", *where)
    assert (first.status, first.stderr) == (0, "")
    assert first.stdout == "".join(f"era-{name} installed in {kernels / f'era-{name}'}\n" for name in LANGUAGES)
    assert "is installed already" in era("install", *where).stdout
    found = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False).get_kernel_spec("era-python")
    assert (found.argv[0], found.interrupt_mode) == (sys.executable, "message")
    assert [path.name for path in sorted((kernels / "era-python").iterdir())] == ["kernel.json", "logo-svg.svg"]
    assert era("uninstall", *where).status == 0
    assert list(kernels.iterdir()) == []
    assert "is not installed" in era("uninstall", *where).stdout


def test_user_is_where_it_goes_if_nothing_is_said(era: Era) -> None:
    assert era("install").stdout == era("install", "--user").stdout.replace("is installed already", "installed")


def test_one_language_by_any_name(era: Era, tmp_path: Path) -> None:
    ended = era("install", "--prefix", str(tmp_path), "--language", "PY", "--language", "python")
    assert len(ended.stdout.splitlines()) == 1


def test_what_is_not_ours_is_neither_replaced_nor_removed(era: Era, tmp_path: Path) -> None:
    folder = tmp_path / "share" / "jupyter" / "kernels" / "era-python"
    folder.mkdir(parents=True)
    foreign = json.dumps({"argv": ["python", "-m", "other"], "display_name": "Other", "language": "python"})
    (folder / SPEC_FILE).write_text(foreign)
    refused = era("install", "--prefix", str(tmp_path))
    assert (refused.status, refused.stdout) == (2, "")
    assert "is not ours" in refused.stderr
    era("uninstall", "--prefix", str(tmp_path))
    assert (folder / SPEC_FILE).read_text() == foreign


def test_files_that_a_user_added_stay(era: Era, tmp_path: Path) -> None:
    era("install", "--prefix", str(tmp_path))
    folder = tmp_path / "share" / "jupyter" / "kernels" / "era-python"
    (folder / "kernel.js").touch()
    era("uninstall", "--prefix", str(tmp_path))
    assert [path.name for path in folder.iterdir()] == ["kernel.js"]


def test_a_linked_folder_is_only_unlinked(era: Era, tmp_path: Path) -> None:
    era("install", "--prefix", str(tmp_path / "a"))
    real = tmp_path / "a" / "share" / "jupyter" / "kernels"
    linked = tmp_path / "b" / "share" / "jupyter" / "kernels"
    linked.mkdir(parents=True)
    (linked / "era-python").symlink_to(real / "era-python")
    era("uninstall", "--prefix", str(tmp_path / "b"))
    assert list(linked.iterdir()) == []
    assert (real / "era-python" / SPEC_FILE).exists()


def test_a_place_that_cannot_be_written_is_said(era: Era, tmp_path: Path) -> None:
    (tmp_path / "share").touch()
    ended = era("install", "--prefix", str(tmp_path))
    assert ended.status == 1
    assert "Use --user" in ended.stderr
    assert ended.stderr.count("\n") == 1
