"""Measure the code: `python docs/code_figures.py [ROOT ...] [--compare OTHER_ROOT ...]`.

A ROOT is a folder of Python code, by default each of this repository that is not tests. The table has a row per package
and one for all of them together. With `--compare` the totals of the first group stand beside those of the second, such
as another checkout's folders. Nothing is imported: the figures come from the syntax trees.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ROOTS = ("lambdas", "ses_fleet_cli", "ses_fleet_local", "strict_aws", "infra")
LARGEST = 5
FEW_WORDS = 5  # a docstring with fewer words says nothing that its name does not

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_HEADER = ("package", "files", "lines", "lines a file", "functions", "lines a function", "docstrings < 5 words")


@dataclass(frozen=True)
class ClassFigures:
    """One class: its name with its file's, its methods and its attributes, those that methods set on self included."""

    name: str
    methods: int
    attributes: int


@dataclass
class Figures:
    """What was counted in one package, or in several together: the lines of each file and function, and so on."""

    files: list[int] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    classes: list[ClassFigures] = field(default_factory=list)
    short_docstrings: int = 0

    def add(self, other: Figures) -> None:
        """Count everything of `other` here, too."""
        self.files += other.files
        self.functions += other.functions
        self.classes += other.classes
        self.short_docstrings += other.short_docstrings


def packages_of(root: Path) -> dict[str, Figures]:
    """Return the figures of every folder with modules below `root`, by its path with the root's name in front.

    Modules without code, such as an empty `__init__.py`, are not counted.
    """
    found: dict[str, Figures] = {}
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            package = str(path.parent.relative_to(root.parent))
            found.setdefault(package, Figures()).add(figures_of(text, path.name))
    return found


def figures_of(text: str, file_name: str) -> Figures:
    """Return the figures of one module's source text."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    return Figures(
        files=[len(text.splitlines())],
        functions=[_lines(node) for node in nodes if isinstance(node, _Function)],
        classes=[_class_figures(node, file_name) for node in nodes if isinstance(node, ast.ClassDef)],
        short_docstrings=sum(_is_short(ast.get_docstring(node)) for node in _public(tree)),
    )


def spread(numbers: Sequence[int]) -> str:
    """Return "median / 90th percentile / maximum" of `numbers`, or "-" if there are none."""
    if not numbers:
        return "-"
    ordered = sorted(numbers)
    return f"{statistics.median(ordered):g} / {ordered[int(len(ordered) * 0.9)]} / {ordered[-1]}"


def _lines(node: _Function) -> int:
    """The lines of a function from `def` to its end, its docstring included and its decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _class_figures(node: ast.ClassDef, file_name: str) -> ClassFigures:
    methods = [one for one in node.body if isinstance(one, _Function)]
    declared = {
        one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    assigned = {name for method in methods for name in _set_on_self(method)}
    return ClassFigures(f"{node.name} ({file_name})", len(methods), len(declared | assigned))


def _set_on_self(method: _Function) -> Iterator[str]:
    for node in ast.walk(method):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def _public(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | _Function]:
    """The module, and its functions, classes and methods whose names, and whose classes' names, are public."""
    yield tree
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | _Function) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                waiting += node.body


def _is_short(docstring: str | None) -> bool:
    return docstring is not None and len(docstring.split()) < FEW_WORDS


def _row(name: str, figures: Figures) -> tuple[str, ...]:
    return (
        name,
        str(len(figures.files)),
        str(sum(figures.files)),
        spread(figures.files),
        str(len(figures.functions)),
        spread(figures.functions),
        str(figures.short_docstrings),
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up; the first row is its header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _largest(classes: list[ClassFigures], by: str) -> list[str]:
    """The names of the classes with the most methods or attributes, each with their number."""
    ranked = sorted(classes, key=lambda one: (-int(getattr(one, by)), one.name))
    return [f"{one.name} {getattr(one, by)}" for one in ranked[:LARGEST]]


def _report(packages: dict[str, Figures], total: Figures) -> str:
    rows = [_row(name, figures) for name, figures in packages.items()]
    return "\n".join(
        [
            _table([_HEADER, *rows, _row("all", total)]),
            "",
            "Lines a file and a function: median / 90th percentile / maximum.",
            f"Modules a package: {spread([len(figures.files) for figures in packages.values()])}",
            f"Largest classes by methods: {', '.join(_largest(total.classes, 'methods'))}",
            f"Largest classes by attributes: {', '.join(_largest(total.classes, 'attributes'))}",
        ]
    )


def _comparison(groups: Sequence[tuple[str, dict[str, Figures], Figures]]) -> str:
    """The totals of two groups of roots side by side."""
    names, packages, totals = zip(*groups, strict=True)
    rows = [["", *names]]
    columns = [_row("all", total) for total in totals]
    for number, title in enumerate(_HEADER[1:], start=1):
        rows.append([title, *(column[number] for column in columns)])
    rows.append(["packages", *(str(len(group)) for group in packages)])
    rows.append(["modules a package", *(spread([len(one.files) for one in group.values()]) for group in packages)])
    for by in ("methods", "attributes"):
        ranked = [_largest(total.classes, by) for total in totals]
        for place in range(LARGEST):
            cells = [group[place] if len(group) > place else "-" for group in ranked]
            rows.append([f"class by {by}, {place + 1}.", *cells])
    return _table(rows)


def _measured(roots: Sequence[Path]) -> tuple[dict[str, Figures], Figures]:
    packages: dict[str, Figures] = {}
    for root in roots:
        packages |= packages_of(root.resolve())
    total = Figures()
    for figures in packages.values():
        total.add(figures)
    return packages, total


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("roots", nargs="*", type=Path, metavar="ROOT", help="default: the folders of this repository")
    parser.add_argument("--compare", nargs="+", type=Path, metavar="OTHER_ROOT", help="show both totals side by side")
    arguments = parser.parse_args()
    roots = arguments.roots or [REPOSITORY / name for name in ROOTS]
    for root in [*roots, *(arguments.compare or [])]:
        if not root.is_dir():
            parser.error(f"{root} is not a folder")
    packages, total = _measured(roots)
    if arguments.compare is None:
        print(_report(packages, total))
    else:
        print(_comparison([("first", packages, total), ("second", *_measured(arguments.compare))]))


if __name__ == "__main__":
    _main()
