"""The source of a function, as the node of its module's syntax tree: what is translated to C is read there."""

import ast
import inspect
from functools import cache
from pathlib import Path
from types import FunctionType

from benchmarks.c_types import Untranslatable


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def source_of(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """The function's own node, a lambda's by the place of its code."""
    code = function.__code__
    nodes = list(ast.walk(tree_of(inspect.getsourcefile(function) or "")))
    if code.co_name != "<lambda>":
        found = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == code.co_name]
        found = [n for n in found if min([n.lineno, *(d.lineno for d in n.decorator_list)]) == code.co_firstlineno]
    else:
        places = {(line, column) for line, _, column, _ in code.co_positions() if line and column is not None}
        lambdas = [n for n in nodes if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno]
        found = [n for n in lambdas if (n.body.lineno, n.body.col_offset) in places]
    if len(found) != 1:
        raise Untranslatable(f"{function.__module__}.{code.co_name}: its source cannot be told")
    return found[0]


def stored(node: ast.AST) -> list[str]:
    """The names that are set, as often as they are."""
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
