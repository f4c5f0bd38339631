"""Types and values of the translation to C: numbers, records and arrays, what a constant looks like, which names C takes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

INT, DOUBLE, BOOL, VOID = "int64_t", "double", "bool", "void"
WIDTH = {BOOL: 0, INT: 1, DOUBLE: 2}
KEYWORDS = (  # of C, and not of Python
    *("auto", "case", "char", "const", "default", "do", "double", "enum", "extern", "float", "goto", "inline", "int", "long"),
    *("register", "restrict", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned"),
    *("void", "volatile"),
)


class Untranslatable(Exception):
    """Something outside the subset; the message names the rule and the line."""


@dataclass(frozen=True)
class Struct:
    """A record: its fields in order, each a number's type, an Array or a Struct."""

    name: str
    fields: tuple[tuple[str, Any], ...]

    def type_of(self, name: str) -> Any:
        return dict(self.fields)[name]


@dataclass(frozen=True)
class Array:
    """Numbers of one type, a fixed number of them."""

    of: str
    length: int


@dataclass(frozen=True)
class Value:
    """An expression in C. steady: it depends on the parameters alone, and `work` operations make it. constant: known by now."""

    code: str
    type: Any
    steady: bool = False
    work: int = 0
    constant: Any = None


def struct_of(name: str, values: dict[str, Any]) -> Struct:
    """The record that holds these nested plain values."""

    def kind(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return struct_of(f"{name}_{key}", value)
        if isinstance(value, list):
            return Array(number_type(value[0]), len(value))
        return number_type(value)

    return Struct(name, tuple((key, kind(key, value)) for key, value in values.items()))


def number_type(value: Any) -> str:
    return {bool: BOOL, int: INT, float: DOUBLE}[type(value)]


def literal(value: Any) -> Value:
    """A constant: 17 significant digits or fewer are enough for any double."""
    if isinstance(value, float):
        code = repr(value) if math.isfinite(value) else "INFINITY" if value > 0 else "(-INFINITY)"
    else:
        code = str(int(value))
    return Value(f"({code})" if code.startswith("-") else code, number_type(value), True, 0, value)


def safe(name: str) -> str:
    """A name that C takes."""
    return f"{name}_" if name in KEYWORDS else name


def joined(a: Any, b: Any) -> Any:
    """The type that holds both."""
    if a is None or b is None or a == b:
        return b if a is None else a
    if a in WIDTH and b in WIDTH:
        return max(a, b, key=WIDTH.__getitem__)
    raise Untranslatable(f"one name for {a} and {b}")


def declared(struct: Struct) -> Iterator[str]:
    """The struct's declaration, those of its parts first."""
    lines = []
    for name, kind in struct.fields:
        if isinstance(kind, Struct):
            yield from declared(kind)
            lines.append(f"    {kind.name} {safe(name)};")
        elif isinstance(kind, Array):
            lines.append(f"    {kind.of} {safe(name)}[{kind.length}];")
        else:
            lines.append(f"    {kind} {safe(name)};")
    yield "\n".join(["typedef struct {", *lines, f"}} {struct.name};\n"])
