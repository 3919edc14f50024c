"""What the conformance suite types in each language: one file a language, found here by name."""

from __future__ import annotations

from tests.conformance.samples.bash import BASH
from tests.conformance.samples.go import GO
from tests.conformance.samples.node import NODE
from tests.conformance.samples.python import PYTHON
from tests.conformance.samples.ruby import RUBY
from tests.conformance.samples.sample import Samples

__all__ = ["SAMPLES", "Samples"]

SAMPLES: dict[str, Samples] = {each.language: each for each in (PYTHON, NODE, RUBY, GO, BASH)}
