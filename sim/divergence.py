"""Where two histories on the same luck part, and what follows.

An event has the same name in both, because its name is the key of its luck: the same opportunity, ring or answer. It is alike in
both if it falls on the same day, would be told in the same words, and all its readings are the same to the bit. A story leaves
readings out: for it, the same words on the same day are alike.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim.engines.block import Event
from sim.scenario import Scenario
from sim.story import sentence, told

ONE, OTHER, OTHERWISE, ALIKE = "only in the one", "only in the other", "otherwise", "alike"


@dataclass(frozen=True)
class Pair:
    """An event as it was in two histories. one, other: as logged, None where it did not happen. told_one, told_other: in words,
    or "". mark: ONE, OTHER, OTHERWISE or ALIKE."""

    one: Event | None
    other: Event | None
    told_one: str
    told_other: str

    @property
    def event(self) -> Event:
        """That of the first history, if it is there."""
        found = self.one or self.other
        assert found is not None
        return found

    @property
    def day(self) -> float:
        """The first day it is of."""
        return min(event.day for event in (self.one, self.other) if event is not None)

    @property
    def mark(self) -> str:
        if self.one is None:
            return OTHER
        if self.other is None:
            return ONE
        read = (self.one.before, self.one.after) == (self.other.before, self.other.after)
        return ALIKE if read and self.same_words else OTHERWISE

    @property
    def same_words(self) -> bool:
        """Whether it is in both, on the same day and in the same words."""
        if self.one is None or self.other is None:
            return False
        return (self.one.day, self.told_one) == (self.other.day, self.told_other)

    def told(self, everything: bool = False) -> bool:
        """Whether a story of either history would have it: no bookkeeping, and nothing frequent and of little consequence."""
        return any(told(event, everything) for event in (self.one, self.other) if event is not None)


def pairs(one: Sequence[Event], other: Sequence[Event], scenarios: tuple[Scenario, Scenario]) -> list[Pair]:
    """Every event of two logs, by date; on the same day in the order of the first log, then of the second.

    Args:
        one, other: the logs of one replication with the same seed. scenarios: what each of them was run with.
    """
    left, right = ({event.name: (k, event) for k, event in enumerate(log)} for log in (one, other))
    found = []
    for name in dict.fromkeys([*left, *right]):
        (k, a), (j, b) = left.get(name, (len(one), None)), right.get(name, (len(other), None))
        words = ["" if event is None else sentence(event, of) for event, of in zip((a, b), scenarios, strict=True)]
        pair = Pair(a, b, *words)
        found.append((pair.day, k, j, pair))
    return [pair for *_, pair in sorted(found, key=lambda place: place[:3])]


def differences(of: Iterable[Pair], everything: bool = False) -> list[Pair]:
    """Those that are not alike and belong in a story; everything: also bookkeeping, convoys and shocks, and what has other
    readings only."""
    return [pair for pair in of if pair.told(everything) and differs(pair, everything)]


def differs(pair: Pair, everything: bool = True) -> bool:
    """Whether it is not alike. Unless everything counts, what is told of it does, and not its readings."""
    return pair.mark != ALIKE and (everything or not pair.same_words)


def parting(of: Iterable[Pair]) -> Pair | None:
    """The earliest event, bookkeeping apart, that is not told in the same words: where the two part."""
    return next((pair for pair in of if not pair.event.routine and differs(pair, everything=False)), None)
