"""What a person sees: progress on a terminal, tables and lines anywhere; no escape codes in a pipe."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 170  # columns of a table that nobody's terminal limits


def console(error: bool = False) -> Console:
    stream = sys.stderr if error else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False)


def say(text: str = "") -> None:
    """A line on standard output, as it is."""
    print(text, flush=True)


def warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; the first column is text, the others are numbers. All of it is plain text: names and places are the user's, and
    may hold what rich would take for markup."""
    drawn = Table(
        title=Text(title), box=SIMPLE_HEAD, title_justify="left", title_style="bold", header_style="bold", pad_edge=False
    )
    for k, head in enumerate(heads):
        drawn.add_column(Text(head), justify="left" if k == 0 else "right", no_wrap=k == 0, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console().print(drawn)


class Advance(Protocol):
    def __call__(self, count: int) -> None: ...


@contextmanager
def progress(total: int, what: str, done: int = 0) -> Generator[Advance, None, None]:
    """A bar with the time left, on a terminal only. done: what was there before; the time left is judged by the rest."""
    screen = console(error=True)
    if not screen.is_terminal:
        yield lambda count: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda count: bar.advance(task, count)


def number(value: float) -> str:
    """A figure as a reader wants it: about three digits, thousands separated."""
    if not isfinite(value):
        return "-"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}".rstrip("0").rstrip(".") if size >= 0.005 or size == 0 else f"{value:.1g}"
