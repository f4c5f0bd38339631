"""docs/benchmarks.md: the findings, each between marks of its own, so that a run of some keeps what others found."""

import re
from pathlib import Path

from benchmarks.machine import description, in_short
from benchmarks.report import Section
from benchmarks.timing import duration

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `python -m benchmarks` (`make benchmarks` installs what it compares with, and runs it), not by hand.
`python -m benchmarks NAME ...` measures some anew and keeps the rest; `python -m benchmarks quick` is a smoke test and writes
nothing.

## How to read this

- No time without a right result: each result is checked after every single run, outside the time. One wrong bit, and there is
  no time, and the exit status is 1. What was checked stands above each table.
- Times wander, by tens of percent on a machine that others use too. Contenders therefore take turns, round by round, after one
  round that is not counted. The claims are *ratios within a round*: their median, with the lowest and highest in parentheses.
  Plain times are there to give the size of things, on this machine, on that day.
- Work on one thread is measured in processor time, work on several in wall time.
- A range that includes 1 is no difference. What is slower here is told as what is faster.
"""
SECTION = re.compile(r"<!-- benchmark: (\w+) -->\n.*?<!-- end benchmark -->\n", re.DOTALL)


def written(name: str, section: Section, seconds: float) -> str:
    """One benchmark's part of the page."""
    lines = "\n".join(section.lines()).rstrip()
    return f"""<!-- benchmark: {name} -->
## {section.title}

{lines}

*Measured on {in_short()}, in {duration(seconds)}.*
<!-- end benchmark -->
"""


def machine() -> str:
    """The machine of the last run."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in description())
    return f"""<!-- benchmark: machine -->
## The machine of the last run

| | |
| --- | --- |
{rows}
<!-- end benchmark -->
"""


def write(parts: dict[str, str], order: list[str]) -> Path:
    """The page with these parts new and all others as they were."""
    old = {found[1]: found[0] for found in SECTION.finditer(PAGE.read_text(encoding="utf-8"))} if PAGE.exists() else {}
    known = {**old, **parts, "machine": machine()}
    PAGE.write_text("\n".join([HEAD, *(known[name] for name in ["machine", *order] if name in known)]), encoding="utf-8")
    return PAGE
