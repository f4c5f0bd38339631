"""What a study needs, what of it the store has, and what is left to compute, in blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.studies.segment import Entry

# replications in a block, and in the bundle of blocks that goes to a worker at once: a few seconds of work at most
LARGEST = {"compiled": 4000, "reference": 25}
SMALLEST = {"compiled": 100, "reference": 1}


@dataclass(frozen=True)
class Wanted:
    """Replications 0 to replications - 1 of a scenario on a seed, the first `weekly` of them with series, under a label."""

    label: str
    scenario: Scenario
    seed: int
    replications: int
    weekly: int

    @property
    def pair(self) -> tuple[str, int]:
        return self.scenario.identity, self.seed


@dataclass(frozen=True)
class Piece:
    """Replications first to end - 1, to be taken from a block of the store."""

    entry: "Entry"
    first: int
    end: int


@dataclass(frozen=True)
class Task:
    """A block to compute. weekly: how many of its replications, from the first, keep series by week."""

    scenario: str
    seed: int
    first: int
    count: int
    weekly: int


@dataclass
class Cover:
    """Of one scenario wanted: what is there, in order, what is missing, and which replications failed.

    failed: (replication, message, day, activity) of those that have failed and never succeeded.
    """

    pieces: list[Piece] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    failed: list[tuple[int, str, float, str]] = field(default_factory=list)

    @property
    def replications(self) -> int:
        """How many are there, failed ones among them."""
        return sum(piece.end - piece.first for piece in self.pieces)


def cover(wanted: Wanted, entries: Iterable["Entry"]) -> Cover:
    """Take each replication wanted from the block that reaches furthest; of one that failed, from a block where it did not.

    A replication that is wanted with its series by week is taken only from a block that has them.
    """
    usable = [span for entry in entries if (entry.scenario, entry.seed) == wanted.pair for span in spans(entry, wanted.weekly)]
    usable.sort(key=lambda span: (span.first, -span.end, span.entry.key))
    found, at, k = Cover(), 0, 0
    best: Piece | None = None
    while at < wanted.replications:
        while k < len(usable) and usable[k].first <= at:
            if best is None or usable[k].end > best.end:
                best = usable[k]
            k += 1
        if best is not None and best.end > at:
            end = min(best.end, wanted.replications)
            found.pieces.append(Piece(best.entry, at, end))
            at = end
        else:
            end = min(usable[k].first, wanted.replications) if k < len(usable) else wanted.replications
            found.gaps.append((at, end))
            at = end
    return mended(found, usable)


def spans(entry: "Entry", weekly: int) -> list[Piece]:
    """The replications that a block can give, where the first `weekly` need series: those with series, those that need none."""
    having = (entry.first, min(entry.first + entry.weekly, entry.end))
    needing_none = (max(having[1], weekly), entry.end)
    if needing_none[0] == having[1]:
        return [Piece(entry, entry.first, entry.end)]
    return [Piece(entry, first, end) for first, end in (having, needing_none) if first < end]


def mended(found: Cover, usable: Sequence[Piece]) -> Cover:
    """Replications that failed in the block they were to come from, taken from one where they did not; or told as failed."""
    if not any(piece.entry.failures != "[]" for piece in found.pieces):
        return found
    pieces: list[Piece] = []
    for piece in found.pieces:
        at = piece.first
        for failure in sorted(piece.entry.failed):
            r = failure[0]
            if not piece.first <= r < piece.end:
                continue
            others = [s.entry for s in usable if s.first <= r < s.end and r not in [f[0] for f in s.entry.failed]]
            if not others:
                found.failed.append(failure)
                continue
            if at < r:
                pieces.append(Piece(piece.entry, at, r))
            pieces.append(Piece(others[0], r, r + 1))
            at = r + 1
        if at < piece.end:
            pieces.append(Piece(piece.entry, at, piece.end))
    return replace(found, pieces=pieces)


def tasks(wanted: Sequence[Wanted], covers: Sequence[Cover], slots: int, engine: str, *, retry: bool = False) -> list[Task]:
    """The blocks to compute, interleaved over the scenarios, so that an interrupted study has compared like with like.

    Args:
        slots: how many workers there are. retry: also the replications that failed, each as a block of its own.
    """
    most = max((w.replications for w in wanted), default=0)
    size = max(SMALLEST[engine], min(LARGEST[engine], -(-most // (4 * slots))))
    found: dict[Task, None] = {}  # two labels may stand for one scenario
    for w, covered in zip(wanted, covers, strict=True):
        gaps = [*covered.gaps, *((r, r + 1) for r, *_ in covered.failed)] if retry else covered.gaps
        for start, end in gaps:
            for first in range(start, end, size):
                count = min(size, end - first)
                found[Task(*w.pair, first, count, min(count, max(0, w.weekly - first)))] = None
    place = {w.pair: k for k, w in enumerate(wanted)}
    return sorted(found, key=lambda task: (task.first, place[task.scenario, task.seed]))


def bundles(todo: Sequence[Task], slots: int, engine: str) -> list[list[Task]]:
    """Blocks in the order they come, as many in a bundle as make some work, and fewer towards the end, so that all workers end at
    about the same time (guided self-scheduling: Polychronopoulos and Kuck, IEEE Trans. Computers C-36, 1987)."""
    left = sum(task.count for task in todo)
    found: list[list[Task]] = []
    held = size = 0
    for task in todo:
        if not found or held + task.count > size:
            size = max(SMALLEST[engine], min(LARGEST[engine], -(-left // (4 * slots))))
            found.append([])
            held = 0
        found[-1].append(task)
        held += task.count
        left -= task.count
    return found


def covers(wanted: Sequence[Wanted], entries: Iterable["Entry"]) -> list[Cover]:
    """`cover` for each scenario wanted."""
    by_pair: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        by_pair.setdefault((entry.scenario, entry.seed), []).append(entry)
    return [cover(w, by_pair.get(w.pair, [])) for w in wanted]
