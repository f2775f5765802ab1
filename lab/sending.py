"""A Python function of a test's, made ready to be sent to a host and called there.

Its source is what is sent, so it must stand alone: every mistake is found here, before a
host sees it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from lab.errors import Unsendable
from lab.inside import function as inside

# What the host's interpreter runs: it reads the task and calls the function.
PROGRAM = Path(inside.__file__).read_text(encoding="utf-8")
INSTEAD = "import or define it inside the function, or pass it as an argument"


def task(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Return a function and its arguments as a host can call it.

    Modules of the standard library that the function's module has imported, and the
    function names, are imported there.
    Raises: Unsendable with everything that is in the way.
    """
    plain = _plain(function)
    source, first_line = _source(plain)
    tree = _definition(plain, source)
    modules = _modules(plain, tree)
    return json.dumps({
        # So many lines before it that a traceback names the line of the test's own file.
        "source": "\n" * (first_line - 1) + source, "file": plain.__code__.co_filename,
        "name": tree.name, "modules": modules,
        "args": _encoded(plain, "arguments", list(args)),
        "kwargs": _encoded(plain, "arguments", dict(kwargs)),
    }).encode()  # fmt: skip


def _plain(function: Callable[..., Any]) -> FunctionType:
    """Refuse what is not a function that somebody wrote in Python, with `def`."""
    if inspect.ismethod(function):
        raise Unsendable(function.__name__, ["it is a method, and its object cannot be sent"])
    if not isinstance(function, FunctionType):
        kind = type(function).__name__
        raise Unsendable(repr(function), [f"it is a {kind}: write a `def` that calls it"])
    if hasattr(function, "__wrapped__"):
        raise Unsendable(function.__name__, ["it is what a decorator made of another function"])
    if function.__name__ == "<lambda>":
        raise Unsendable("the lambda", ["a lambda has no source of its own: write a `def`"])
    return function


def _source(function: FunctionType) -> tuple[str, int]:
    try:
        lines, first_line = inspect.getsourcelines(function)
    except (OSError, TypeError) as none:
        raise Unsendable(function.__name__, [f"its source is nowhere to be read: {none}"]) from none
    return textwrap.dedent("".join(lines)), first_line


def _definition(function: FunctionType, source: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """Return the syntax tree of a function, with nothing in it that cannot be sent."""
    try:
        (tree,) = ast.parse(source).body
    except (SyntaxError, ValueError) as odd:
        raise Unsendable(
            function.__name__, [f"its source cannot be cut out of its file: {odd}"]
        ) from odd
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise Unsendable(function.__name__, ["its source is not a `def`"])
    mistakes = [
        f"it has the decorator @{ast.unparse(decorator)}: take it off, or write another `def`"
        for decorator in tree.decorator_list
    ]
    mistakes += [
        f"it uses {name} of the function around it: pass it as an argument"
        for name in function.__code__.co_freevars
    ]
    if mistakes:
        raise Unsendable(function.__name__, mistakes)
    return tree


def _modules(
    function: FunctionType, tree: ast.FunctionDef | ast.AsyncFunctionDef
) -> dict[str, str]:
    """Return the modules that a function needs, by the name that it has for each."""
    modules, mistakes = {}, []
    for name in sorted(_outer_names(tree)):
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] in sys.stdlib_module_names:
                modules[name] = value.__name__
            else:
                mistakes.append(f"it uses {value.__name__}, a module that the host does not have")
        elif name in function.__globals__:
            mistakes.append(f"it uses {name} of its file: {INSTEAD}")
        elif name != function.__name__:
            mistakes.append(f"it uses {name}, which is nowhere: {INSTEAD}")
    if mistakes:
        raise Unsendable(function.__name__, mistakes)
    return modules


def _outer_names(tree: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names that a function takes from its module, but for its own and builtins."""
    bare = _WithoutAnnotations().visit(ast.parse(ast.unparse(tree)))
    table = symtable.symtable(ast.unparse(bare), "", "exec")
    used = {
        symbol.get_name()
        for one in _tables(table)
        for symbol in one.get_symbols()
        if symbol.is_referenced() and (one is table or symbol.is_global())
    }
    return used - {tree.name} - set(dir(builtins))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


class _WithoutAnnotations(ast.NodeTransformer):
    """Takes away what is never evaluated in the host."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # ast's name
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)


def _encoded(function: FunctionType, what: str, value: Any) -> Any:
    try:
        return inside.encode(value)
    except TypeError as why:
        raise Unsendable(
            function.__name__,
            [f"among its {what}, {why}: only None, bool, numbers, text, bytes, and lists, "
             "tuples, sets and dicts of them can be sent"],
        ) from why  # fmt: skip
