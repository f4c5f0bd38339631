"""Claims of the statistics beside what simulations give: shares with their standard errors, in tables of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

SALT = 20_210_407
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """How often something was right in `runs` simulations. claimed: None where nothing is."""

    case: tuple[str, ...]
    claimed: float | None
    right: int
    runs: int

    @property
    def measured(self) -> float:
        return self.right / self.runs

    @property
    def error(self) -> float:
        """The standard error; at the claim where there is one, so that a share of 1 has one, too."""
        level = self.measured if self.claimed is None else self.claimed
        return (level * (1.0 - level) / self.runs) ** 0.5

    @property
    def holds(self) -> bool:
        return self.claimed is None or self.measured >= self.claimed - 4.0 * self.error

    @property
    def verdict(self) -> str:
        return "no claim" if self.claimed is None else "holds" if self.holds else "FALLS SHORT"

    def __str__(self) -> str:
        return f"{self.measured:.4f} ± {self.error:.4f}"

    def cells(self) -> list[str]:
        return [*self.case, "" if self.claimed is None else f"at least {self.claimed:g}", str(self), self.verdict]


@dataclass(frozen=True)
class Table:
    """A table of the document. intro: what it is about, before it. failed: whether a claim in it does not hold."""

    title: str
    intro: str
    heads: tuple[str, ...]
    rows: list[list[str]]
    failed: bool = False

    def text(self) -> str:
        intro = fill(self.intro, 130, break_on_hyphens=False)
        lines = [f"## {self.title}", "", intro, "", row(self.heads), row(["---"] * len(self.heads)), *map(row, self.rows)]
        return "\n".join(lines) + "\n"


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def of_shares(title: str, intro: str, heads: tuple[str, ...], shares: list[Share]) -> Table:
    heads = (*heads, "claimed", "measured", "")
    return Table(title, intro, heads, [share.cells() for share in shares], not all(share.holds for share in shares))
