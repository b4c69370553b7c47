"""Most of the local cloud's tests hold in one that is as unkind as AWS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1] / "local_cloud"


def reasons(test: ast.FunctionDef) -> Iterator[str]:
    """Why a test is kind-only, if it is."""
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.kind_only":
            (reason,) = decorator.args
            assert isinstance(reason, ast.Constant)
            yield str(reason.value)


def test_at_most_one_test_in_seven_is_kind_only_and_says_why() -> None:
    """Those that count calls or set timings of their own, one by one: no file as a whole."""
    modules = [ast.parse(path.read_text()) for path in _TESTS.glob("test_*.py")]
    tests = [node for module in modules for node in module.body if isinstance(node, ast.FunctionDef)]
    tests = [test for test in tests if test.name.startswith("test_")]
    given = [reason for test in tests for reason in reasons(test)]
    assert all(len(reason) > 10 for reason in given)
    assert len(given) * 7 <= len(tests)
    assert not any(
        "kind_only" in ast.unparse(node) for module in modules for node in module.body if _is_pytestmark(node)
    )


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
