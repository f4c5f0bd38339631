"""Scenario discovery: the box of states of the world in which runs end badly far more often, by patient rule induction (PRIM).

Peeling cuts thin slices off the box of all states, each time the slice whose loss raises the share of bad runs most for what is
cut off; pasting puts back what was cut too much. Every box on the way is kept: the later, the denser and the smaller.

Source: Friedman and Fisher, Bump hunting in high-dimensional data, Statistics and Computing 9 (1999); Bryant and Lempert,
Thinking inside the box, Technological Forecasting and Social Change 77 (2010). The lenient criterion (gain of the share for each
row cut off) and limits half-way between values are those of the ema-workbench (Kwakkel 2017).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

import numpy as np
import pandas as pd

COLUMNS = ("box", "coverage", "density", "mass", "dimensions", "rows")
Limit = tuple[float, float] | frozenset  # from low to high, both included; or the values that are in


@dataclass(frozen=True)
class Box:
    """limits: by input, of those that are restricted. inside: which rows, booleans of shape (rows,)."""

    limits: Mapping[str, Limit]
    inside: np.ndarray


@dataclass(frozen=True)
class Case:
    """What is looked at.

    Args:
        x: a row for each state; columns of numbers, or of anything else, which is then taken as names. y: 0 to 1, the share of
            its runs that are bad. trials: how many independent runs a row counts for, in quasi-p-values.
    """

    x: pd.DataFrame
    y: np.ndarray
    trials: float = 1.0

    def within(self, key: str, limit: Limit) -> np.ndarray:
        column = self.x[key]
        if isinstance(limit, frozenset):
            return column.isin(limit).to_numpy()
        values = column.to_numpy(dtype="float64")
        return (values >= limit[0]) & (values <= limit[1])

    def box(self, limits: Mapping[str, Limit]) -> Box:
        inside = np.ones(len(self.x), dtype=bool)
        for key, limit in limits.items():
            inside &= self.within(key, limit)
        return Box(dict(limits), inside)

    def numeric(self, key: str) -> bool:
        kind = self.x[key].dtype
        return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def peeling(case: Case, peel: float = 0.05, paste: float = 0.05, least: float = 0.05) -> list[Box]:
    """The boxes on the way, from the box of all rows on.

    Args:
        peel, paste: share of the box's rows that is cut off, of the outside's that is put back. least: mass of the smallest box.
    Raises:
        ValueError: if no row is bad, or all are.
    """
    if not 0.0 < case.y.mean() < 1.0:
        raise ValueError("none of the runs is bad" if case.y.mean() == 0.0 else "all of the runs are bad")
    boxes = [case.box({})]
    for step, better in ((peels, None), (pastes, True)):
        share = peel if better is None else paste
        while True:
            now = boxes[-1]
            tried = [(criterion(case.y, now, box), -len(box.limits), box) for box in step(case, now, share)]
            gain, _, best = max(tried, key=lambda found: found[:2], default=(0.0, 0, now))
            grown = int(best.inside.sum()) - int(now.inside.sum())
            if gain <= 0.0 or best.inside.mean() < least or (grown <= 0 if better else grown >= 0):
                break
            boxes.append(best)
    return boxes


def criterion(y: np.ndarray, old: Box, new: Box) -> float:
    """The gain of density for each row that leaves, or enters."""
    before, after = int(old.inside.sum()), int(new.inside.sum())
    if before == after or after == 0:
        return 0.0
    return float(y[new.inside].mean() - y[old.inside].mean()) / abs(after - before)


def peels(case: Case, box: Box, share: float) -> Iterator[Box]:
    """The boxes that one slice less makes: of numbers the upper or the lower end, of names one of them."""
    for key in case.x.columns:
        column = case.x[key][box.inside]
        if case.numeric(key):
            low, high = numbers(box.limits.get(key))
            values = np.sort(column.to_numpy(dtype="float64"))
            upper, lower = quantile(values, 1.0 - share), quantile(values, share)
            for limit in ((low, upper), (lower, high)):
                yield Box({**box.limits, key: limit}, box.inside & case.within(key, limit))
        else:
            there = box.limits.get(key, frozenset(case.x[key].unique()))
            assert isinstance(there, frozenset)
            for name in sorted(there, key=str) if len(there) > 1 else ():
                limit = there - {name}
                yield Box({**box.limits, key: limit}, box.inside & case.within(key, limit))


def pastes(case: Case, box: Box, share: float) -> Iterator[Box]:
    """The boxes that one slice more makes, at the sides that were cut."""
    for key in [name for name in case.x.columns if name in box.limits]:
        own = box.limits[key]
        others = {name: limit for name, limit in box.limits.items() if name != key}
        if isinstance(own, frozenset):
            for name in sorted(set(case.x[key].unique()) - own, key=str):
                yield case.box(widened(others, key, own | {name}, case))
            continue
        values = case.x[key].to_numpy(dtype="float64")[case.box(others).inside]
        for side, outside in enumerate((values[values <= own[0]], values[values >= own[1]])):
            if own[side] in (-inf, inf):
                continue
            end = (-inf, inf)[side] if not len(outside) else quantile(np.sort(outside), (1.0 - share, share)[side])
            yield case.box(widened(others, key, (end, own[1]) if side == 0 else (own[0], end), case))


def widened(others: Mapping[str, Limit], key: str, limit: Limit, case: Case) -> dict[str, Limit]:
    """The limits with one more, unless it keeps nothing out."""
    return {**others, key: limit} if not case.within(key, limit).all() else dict(others)


def numbers(limit: Limit | None) -> tuple[float, float]:
    """The ends of a limit of numbers; infinite ones if there is none."""
    return (-inf, inf) if limit is None or isinstance(limit, frozenset) else limit


def quantile(ordered: np.ndarray, share: float) -> float:
    """The middle between the two values around a quantile; where they are equal, the next further out is taken."""
    at = (len(ordered) - 1) * share
    low, high = floor(at), ceil(at)
    if share > 0.5:
        while ordered[low] == ordered[high] and low > 0:
            low -= 1
    else:
        while ordered[low] == ordered[high] and high < len(ordered) - 1:
            high += 1
    return float(ordered[low] + ordered[high]) / 2


def quasi_p(case: Case, box: Box) -> dict[str, float]:
    """For each restricted input, how probable so many bad runs in the box were if its limits did not matter: if runs in the box
    were as often bad as in the box without them. It is no p-value: the limits were sought on the same runs.

    By the binomial distribution, continued to counts that are not whole by the incomplete beta function.
    """
    from scipy.special import betainc

    found = {}
    for key in box.limits:
        without = case.box({name: limit for name, limit in box.limits.items() if name != key})
        runs = case.trials * float(box.inside.sum())
        bad = case.trials * float(case.y[box.inside].sum())
        found[key] = 1.0 if bad <= 0.0 else float(betainc(bad, runs - bad + 1.0, case.y[without.inside].mean()))
    return found


def described(case: Case, boxes: Sequence[Box]) -> pd.DataFrame:
    """Coverage (share of the bad runs that are inside), density (share of the runs inside that are bad), mass (share of the rows
    inside), restricted inputs and rows of each box."""
    bad, n = float(case.y.sum()), len(case.y)
    return pd.DataFrame(
        [
            (k, float(y.sum()) / bad, float(y.mean()), len(y) / n, len(box.limits), len(y))
            for k, box in enumerate(boxes)
            for y in [case.y[box.inside]]
        ],
        columns=list(COLUMNS),
    )


def chosen(case: Case, boxes: Sequence[Box]) -> Box:
    """The box of the highest harmonic mean of coverage and density."""
    table = described(case, boxes)
    return boxes[int((2 / (1 / table["coverage"] + 1 / table["density"])).fillna(0.0).argmax())]


def simplified(case: Case, box: Box, significance: float = 0.05) -> Box:
    """The box less the limits whose quasi-p is above the significance, the worst first: they may be luck."""
    while box.limits:
        key, p = max(quasi_p(case, box).items(), key=lambda found: found[1])
        if p <= significance:
            break
        box = case.box({name: limit for name, limit in box.limits.items() if name != key})
    return box
