"""What a benchmark hands over: sections of checked findings. And the two ways in which one does not."""

from collections.abc import Iterable
from dataclasses import dataclass, field


class CheckFailed(Exception):
    """A result is wrong: no time is reported, and the exit status is 1."""


class Missing(Exception):
    """Something optional is not there. The message is one line that says how to get it; the rest still runs."""


@dataclass
class Table:
    """One table: what it shows, its column heads, its rows."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """What one benchmark found.

    words: what was done, and how to read it. short: what came out, in sentences. checks: what was right, before any time was
    told.
    """

    title: str
    words: str
    short: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def lines(self) -> Iterable[str]:
        """The section in Markdown, without its heading."""
        yield from (self.words, "")
        if self.short:
            yield from ("**In short**", "", *(f"- {sentence}" for sentence in self.short), "")
        if self.checks:
            yield from ("**Checked**", "", *(f"- {check[:1].upper()}{check[1:]}." for check in self.checks), "")
        for table in self.tables:
            if table.title:
                yield from (f"### {table.title}", "")
            if table.rows:
                yield f"| {' | '.join(table.heads)} |"
                yield f"| {' | '.join('---' for _ in table.heads)} |"
                yield from (f"| {' | '.join(row)} |" for row in table.rows)
                yield ""
            for note in table.notes:
                yield from (note, "")


def not_measured(name: str, why: Exception | str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """A row for a contender that could not take part."""
    return (name, f"not measured: {why}", *[""] * (len(heads) - 2))


def require(right: bool, what: str) -> None:
    """Raises CheckFailed unless it is right. `what` says what was expected."""
    if not right:
        raise CheckFailed(what)
