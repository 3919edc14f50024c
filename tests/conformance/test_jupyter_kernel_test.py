"""jupyter_kernel_test over every language's kernel: every test that can apply.

Not enabled: `code_page_something`, because payloads of a guest's reply are dropped: they open panes in the front end.
"""

from __future__ import annotations

from typing import Any

import jupyter_kernel_test
import pytest

from era_kernel.languages import LANGUAGES
from tests.conformance.samples import SAMPLES

jupyter_kernel_test.TIMEOUT = 60
MARKS = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]


def kernel_tests(language: str) -> type:
    """The suite's class for a language; it is read by attributes of the class."""
    samples, spec = SAMPLES[language], LANGUAGES[language]
    attributes: dict[str, Any] = {
        "kernel_name": f"era-{language}",
        "language_name": spec.name,
        "file_extension": spec.file_extension,
        "code_hello_world": samples.prints,
        "code_stderr": samples.complains,
        "completion_samples": [
            {"text": text, "matches": {whole}} for text, whole in samples.completes if " " not in text
        ],
        "complete_code_samples": list(samples.complete),
        "incomplete_code_samples": list(samples.incomplete),
        "invalid_code_samples": list(samples.invalid),
        "code_generate_error": samples.fails,
        "code_execute_result": [{"code": code, "result": result} for code, result in samples.results],
        "code_display_data": [{"code": code, "mime": mime} for mime, code in samples.displays.items()],
        "supported_history_operations": ("tail", "range", "search"),
        "code_history_pattern": "1?2*",
        "code_inspect_sample": samples.inspects,
        "code_clear_output": samples.clears,
    }
    return type(f"Test{language.capitalize()}", (jupyter_kernel_test.KernelTests,), {**attributes, "pytestmark": MARKS})


globals().update({f"Test{language.capitalize()}": kernel_tests(language) for language in LANGUAGES})


class TestIopubWelcome(jupyter_kernel_test.IopubWelcomeTests):  # type: ignore[misc]
    pytestmark = MARKS
    kernel_name = "era-python"
    support_iopub_welcome = True
