"""The functions by which the compiled engine's loop reaches each activity, written from the register as a chain of ifs.

A chain costs nothing once compiled (a table of function pointers would cost much); written from the register, it cannot forget an
activity. The text is a module of its own, kept with the compiled code, for reading and for tracebacks.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sim import model
from sim.activity import GROUPS, Activity, Hazard, Response, Timer
from sim.outcomes import OUTCOMES, SERIES
from sim.readings import NO_REGIME, READERS

FUNCTIONS = ("begin", "willing", "act", "skip", "next_day", "ready", "due_day", "read", "measure", "week", "draw")
ARGUMENTS = {
    "willing": "world, p, day, who",
    "act": "world, p, day, who, luck",
    "skip": "world, p, day, who, luck",
    "next_day": "world, p, day, who",
    "ready": "world, p, day, who",
    "due_day": "world, p, who",
}
HEAD = '''"""What each activity does, by its number: written by sim.engines.dispatch, which see; an edit here is lost."""
'''
ENTRY = """
@compiled
def replications(slots, state, worlds, p, seed, first, start, rows, weeks, events):
    functions = ({functions})
    loop(functions, slots, state, worlds, p, seed, first, start, rows, weeks, events)
"""


class Dispatch:
    """The text of the module, and the functions of the model that it calls, by the names it has for them."""

    def __init__(self) -> None:
        self.activities = [activity for module in model.AGENTS.values() for activity in module.ACTIVITIES]
        self.numbers = {id(activity): number for number, activity in enumerate(self.activities)}
        self.names: dict[str, Callable[..., Any]] = {}
        self._known: dict[Callable[..., Any], str] = {}
        self.text = "\n".join([HEAD, *self.functions()]) + ENTRY.format(functions=", ".join(FUNCTIONS))

    def number(self, activity: Activity) -> int:
        return self.numbers[id(activity)]

    def functions(self) -> Iterable[str]:
        yield self.begins()
        yield self.chain("willing", Hazard, "willingness")
        yield self.chain("act", Activity, "act")
        yield self.chain("skip", Activity, "skip")
        yield self.chain("next_day", Timer, "next")
        yield self.chain("ready", Timer, "ready")
        yield self.chain("due_day", Response, "due")
        yield self.chain("shown", Activity, "shows", "world, p, who")
        yield self.reads()
        yield self.measures()
        yield self.weeks()

    def name(self, function: Callable[..., Any], word: str = "") -> str:
        """What the module calls a function of the model: agent_function."""
        if function not in self._known:
            name = word or f"{function.__module__.rpartition('.')[2]}_{getattr(function, '__name__', '')}"
            if name in self.names:
                raise ValueError(f"{name}: two rules of that name; names must differ within a file")
            self.names[name] = function
            self._known[function] = name
        return self._known[function]

    def chain(self, name: str, kind: type[Activity], field: str, arguments: str = "") -> str:
        """A function that picks by the number of the activity; the last of its kind needs no question."""
        arguments = arguments or ARGUMENTS[name]
        lines = [f"@inner\ndef {name}(kind, {arguments}):"]
        chosen = [activity for activity in self.activities if isinstance(activity, kind)]
        for activity in chosen:
            call = f"{self.name(getattr(activity, field))}({arguments})"
            call = call if name in ("act", "skip") else f"return {call}"
            if activity is chosen[-1]:
                lines.append(f"    else:  # {activity.name}\n        {call}")
            else:
                word = "if" if activity is chosen[0] else "elif"
                lines.append(f"    {word} kind == {self.number(activity)}:  # {activity.name}\n        {call}")
        return "\n".join(lines) + "\n"

    def begins(self) -> str:
        calls = [f"    {self.name(module.begin)}(world, p)" for module in model.AGENTS.values()]
        return "\n".join(["@inner\ndef begin(world, p):", *calls]) + "\n"

    def reads(self) -> str:
        """The readings of the event log, all as floats."""
        grouped = [str(self.number(activity)) for activity in self.activities if activity.each == GROUPS]
        lines = ["@inner\ndef read(kind, world, p, who, into):"]
        for k, (name, reader) in enumerate(READERS.items()):
            call = f"{self.name(reader, f'reading_{name}')}(world, p, who)"
            if name == "regime":
                call += f" if kind in ({', '.join(grouped)}) else {NO_REGIME}"
            lines.append(f"    into[{k}] = {call}")
        lines.append(f"    into[{len(READERS)}] = shown(kind, world, p, who)")
        return "\n".join(lines) + "\n"

    def measures(self) -> str:
        """The outcomes, into the fields of a record."""
        lines = [f"    row.{o.name} = {self.name(o.measure, f'measure_{o.name}')}(world, p, horizon)" for o in OUTCOMES]
        return "\n".join(["@inner\ndef measure(world, p, horizon, row):", *lines]) + "\n"

    def weeks(self) -> str:
        """The series of a week's end, into the fields of a record; running totals as they are."""
        lines = [f"    row.{s.name} = {self.name(s.read, f'read_{s.name}')}(world, p, day)" for s in SERIES]
        return "\n".join(["@inner\ndef week(world, p, day, row):", *lines]) + "\n"
