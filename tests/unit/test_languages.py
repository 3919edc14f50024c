"""Languages: their names, the images they come out of, and what front ends are told of them."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest
from pygments.lexers import get_lexer_by_name

from era_kernel.errors import UnknownLanguageError
from era_kernel.languages import LANGUAGES, LanguageSpec, find_language
from tests.unit.cli.support import ROOT

EACH = pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
NAMES = {
    "python": {"python", "python3", "py"},
    "node": {"node", "javascript", "js"},
    "ruby": {"ruby", "rb"},
    "go": {"go", "golang"},
    "bash": {"bash", "sh", "shell"},
}
# The original agent's, which had no bash.
BASE_IMAGES = {
    "python": "docker.io/library/python:3.11-slim",
    "node": "docker.io/library/node:20-slim",
    "ruby": "docker.io/library/ruby:3.2-slim",
    "go": "docker.io/library/golang:1.22-bookworm",
    "bash": "docker.io/library/debian:bookworm-slim",
}


@EACH
def test_a_language_is_found_by_all_of_its_names(language: LanguageSpec) -> None:
    assert {language.name, *language.aliases} == NAMES[language.name]
    for name in NAMES[language.name]:
        assert find_language(name) is language
        assert find_language(f" {name.upper()} ") is language


@pytest.mark.parametrize("name", ["", "perl", "python 3", "../python"])
def test_a_language_that_there_is_not_is_an_error_that_names_those_there_are(name: str) -> None:
    with pytest.raises(UnknownLanguageError, match="Unsupported language") as caught:
        find_language(name)
    assert all(known in str(caught.value) for known in LANGUAGES)


@EACH
def test_without_an_image_of_ours_the_original_agent_s_is_taken(language: LanguageSpec) -> None:
    assert language.public_image == BASE_IMAGES[language.name]


@EACH
def test_the_recipe_for_registries_begins_with_that_image(language: LanguageSpec) -> None:
    recipe = (ROOT / "setup_scripts/images" / language.name / "Containerfile").read_text()
    (base,) = re.findall("^FROM (.+)$", recipe, re.MULTILINE)
    # Go's driver is compiled against the yaegi of Debian 12, which knows the standard library of its Go alone.
    assert base == ("docker.io/library/golang:1.19-bookworm" if language.name == "go" else language.public_image)


@EACH
def test_front_ends_know_the_language_s_lexer(language: LanguageSpec) -> None:
    lexer = get_lexer_by_name(language.pygments_lexer)
    assert any(fnmatch(f"cell{language.file_extension}", pattern) for pattern in lexer.filenames)
