"""What the model declares of itself: agents, state, activities, rules, fixed numbers, and who reads and acts on whom.

Read from the register, from docstrings and, for comments and the names that rules use, from the source.
"""

import ast
import inspect
import pkgutil
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from types import ModuleType

import sim
from sim.activity import GROUPS, Activity, Hazard, Response, Timer
from sim.agents import announcements, dated, posture, reprisals
from sim.model import AGENTS
from sim.rules import RULES, always

ROOT = Path(inspect.getfile(sim)).parent
# files beside the agents' own: rules of no agent's own, and those of an agent that are written apart
HELPERS = {"posture": posture, "announcements": announcements, "dated": dated, "reprisals": reprisals}
APART = {"reprisals": "united_states"}


def first_paragraph(thing: object) -> str:
    """The first paragraph of a docstring in one line, or nothing."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def paragraphs(text: str | None) -> list[str]:
    """The paragraphs of a docstring, each in one line; what is indented (code) between backticks."""
    found = []
    for part in inspect.cleandoc(text or "").split("\n\n"):
        line = " ".join(part.split())
        if line:
            found.append(f"`{line}`" if part.startswith("    ") else line)
    return found


@dataclass(frozen=True)
class Field:
    """A field of an agent's state, or a number that a module fixes: its value and its comment, as the source has them."""

    name: str
    first: str
    comment: str


@cache
def source(module: ModuleType) -> tuple[ast.Module, dict[int, str]]:
    """A module's syntax tree, and its comments by line."""
    text = inspect.getsource(module)
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    return ast.parse(text), comments


def state(module: ModuleType) -> list[Field]:
    """The fields of a module's State, with the comment on a field's line, or else the name in words."""
    tree, comments = source(module)
    found = []
    for part in tree.body:
        if isinstance(part, ast.ClassDef) and part.name == "State":
            for line in part.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
                    comment = comments.get(line.end_lineno or line.lineno, line.target.id.replace("_", " "))
                    found.append(Field(line.target.id, value_of(line.value), comment))
    return found


def value_of(value: ast.expr) -> str:
    """A field's first value in short: ORDINARY for each group; 0.0, 9 times."""
    text = ast.unparse(value)
    if found := re.fullmatch(r"per_group\((.+)\)", text):
        return f"{found[1]}, for each group"
    if found := re.fullmatch(r"listed\((.+), (\w+)\)|field\(default_factory=lambda: \[(.+)\] \* (\w+)\)", text):
        return f"{found[1] or found[3]}, {found[2] or found[4]} times"
    return text


def begins(module: ModuleType) -> list[str]:
    """What a module's `begin` sets on the first day, assignment by assignment."""
    return [
        ast.unparse(part)
        for function in source(module)[0].body
        if isinstance(function, ast.FunctionDef) and function.name == "begin"
        for part in ast.walk(function)
        if isinstance(part, ast.Assign) and any(not isinstance(target, ast.Name) for target in part.targets)
    ]


def fixed(module: ModuleType) -> list[Field]:
    """The numbers that a module fixes and explains: constants in capitals with a comment on their line. Not those that only
    number kinds of a thing (0, 1, 2, ...)."""
    tree, comments = source(module)
    found = []
    for line in tree.body:
        if isinstance(line, ast.Assign) and (comment := comments.get(line.end_lineno or line.lineno)):
            names, value = (unwrapped(ast.unparse(part)) for part in (line.targets[0], line.value))
            numbering = value.startswith("range(") or value == ", ".join(map(str, range(names.count(",") + 1)))
            if names.isupper() and not (numbering and "," in names):
                found.append(Field(names, value, comment))
    return found


def unwrapped(text: str) -> str:
    """A tuple without its parentheses."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def kind(activity: Activity) -> str:
    """hazard, at most 1.2 opportunities a day; timer; response."""
    if isinstance(activity, Hazard):
        return f"hazard, {activity.cap:g} opportunities a day"
    return "timer" if isinstance(activity, Timer) else "response"


def moved_by(activity: Activity) -> str:
    """What decides whether and when an activity acts: the rule's name, and what it says of itself."""
    if isinstance(activity, Hazard):
        return said(activity.willingness)
    if isinstance(activity, Response):
        return said(activity.due)
    assert isinstance(activity, Timer)
    ready = "" if activity.ready is always else f"; ready: {said(activity.ready)}"
    return said(activity.next) + ready


def said(rule: Callable) -> str:
    text = first_paragraph(rule)
    return f"`{name_of(rule)}`" + (f": {text}" if text else "")


def name_of(rule: Callable) -> str:
    return getattr(rule, "__name__", "rule")


def activities() -> Iterator[tuple[str, Activity, str]]:
    """Every activity in the order that decides ties: agent, activity, whether each group has its own."""
    for agent, module in AGENTS.items():
        for activity in module.ACTIVITIES:
            yield agent, activity, "each group" if activity.each == GROUPS else ""


def rules(module: ModuleType) -> list[Callable]:
    """The rules of a module in the order of the file, those that say what they do."""
    return [rule for rule in RULES if rule.__module__ == module.__name__ and inspect.getdoc(rule)]


def interactions() -> dict[str, tuple[list[str], list[str]]]:
    """Agent -> (whose part of the world its rules read, on whom they act).

    Taken from the source. To read is to name another's part of the world (`world.isis`) or to call a rule of another's that
    changes nothing; to act is to call a rule of another's that changes the world, itself or through what it calls.
    """
    changing = changes()
    read: dict[str, set[str]] = {name: set() for name in AGENTS}
    acted: dict[str, set[str]] = {name: set() for name in AGENTS}
    files = written()
    for file, module in files.items():
        name = APART.get(file, file)
        for part in ast.walk(source(module)[0]):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                owner, attribute = part.value.id, part.attr
                if owner == "world" and attribute in AGENTS:
                    read[name].add(attribute)
                elif owner in files and (owner, attribute) in changing:
                    acted[name].add(APART.get(owner, owner))
                elif owner in files and callable(getattr(files[owner], attribute, None)):
                    read[name].add(APART.get(owner, owner))
    return {
        name: ([a for a in AGENTS if a in read[name] - {name}], [a for a in AGENTS if a in acted[name] - {name}])
        for name in AGENTS
    }


def written() -> dict[str, ModuleType]:
    """The files in which agents are written: each agent's own, and those that stand apart."""
    return {**AGENTS, **{name: HELPERS[name] for name in APART}}


def changes() -> set[tuple[str, str]]:
    """(file, rule) of every rule that changes the world, itself or through the rules that it calls."""
    calls, found = {}, set()
    for name, module in written().items():
        for part in source(module)[0].body:
            if isinstance(part, ast.FunctionDef):
                calls[name, part.name] = called(name, part)
                if assigns(part):
                    found.add((name, part.name))
    while more := {rule for rule, others in calls.items() if rule not in found and others & found}:
        found |= more
    return found


def called(agent: str, function: ast.FunctionDef) -> set[tuple[str, str]]:
    """(agent, rule) of what a rule calls, in its own file or another agent's."""
    found = set()
    for part in ast.walk(function):
        if isinstance(part, ast.Call):
            if isinstance(part.func, ast.Name):
                found.add((agent, part.func.id))
            elif isinstance(part.func, ast.Attribute) and isinstance(part.func.value, ast.Name):
                found.add((part.func.value.id, part.func.attr))
    return found


def assigns(function: ast.FunctionDef) -> bool:
    """Whether a rule sets a field of something itself, which can only be of the world."""
    targets: list[ast.expr] = []
    for part in ast.walk(function):
        if isinstance(part, ast.Assign):
            targets += part.targets
        elif isinstance(part, ast.AugAssign):
            targets.append(part.target)
    flat = [inner for target in targets for inner in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(isinstance(target, ast.Attribute | ast.Subscript) for target in flat)


def modules(package: str) -> list[tuple[str, str]]:
    """The modules of a package of sim with the first paragraph of what each says of itself, without importing them."""
    folder = ROOT / package
    found = []
    for module in pkgutil.iter_modules([str(folder)]):
        text = ast.get_docstring(ast.parse((folder / f"{module.name}.py").read_text(encoding="utf-8")))
        if text:
            found.append((f"{package}/{module.name}.py", paragraphs(text)[0]))
    return found


def libraries() -> list[str]:
    """What the code imports beside Python's own library, by the name of the import."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.Import):
                found |= {name.name.partition(".")[0] for name in part.names}
            elif isinstance(part, ast.ImportFrom) and part.level == 0:
                found.add((part.module or "").partition(".")[0])
    return sorted(found - set(sys.stdlib_module_names) - {"sim", "experiments", "__future__"})
