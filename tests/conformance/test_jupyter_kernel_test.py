"""jupyter_kernel_test over era-python: every test that can apply.

Not enabled: `code_page_something`, because payloads of a guest's reply are dropped: they open panes in the front end.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jupyter_kernel_test
import pytest

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]
jupyter_kernel_test.TIMEOUT = 60


class TestEraPython(jupyter_kernel_test.KernelTests):  # type: ignore[misc]
    kernel_name = "era-python"
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples: ClassVar[list[dict[str, Any]]] = [
        {"text": "zi", "matches": {"zip"}},
        {"text": "import sys; sys.version_i", "matches": {"sys.version_info"}},
    ]
    complete_code_samples: ClassVar[list[str]] = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n"]
    incomplete_code_samples: ClassVar[list[str]] = ["print('''hello", "def f(x):\n  x*2", "for i in range(3):"]
    invalid_code_samples: ClassVar[list[str]] = ["import = 7q", "x = = 2"]
    code_generate_error = "raise ValueError('no')"
    code_execute_result: ClassVar[list[dict[str, str]]] = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    ]
    code_display_data: ClassVar[list[dict[str, str]]] = [
        {
            "code": "class Image:\n    def _repr_png_(self): return b'\\x89PNG\\r\\n\\x1a\\n'\ndisplay(Image())",
            "mime": "image/png",
        },
        {"code": "class Formula:\n    def _repr_latex_(self): return '$x$'\ndisplay(Formula())", "mime": "text/latex"},
    ]
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "1?2*"
    code_inspect_sample = "zip"
    code_clear_output = "clear_output()"


class TestIopubWelcome(jupyter_kernel_test.IopubWelcomeTests):  # type: ignore[misc]
    kernel_name = "era-python"
    support_iopub_welcome = True
