"""What a value is made of, in words: the stated objectives, and the unit of their sum."""

from collections.abc import Sequence

from sim.analysis.objectives import Objective

from .wording import Labels, label, unit


def worth(objectives: Sequence[Objective], labels: Labels | None) -> str:
    """One sentence: Value: minus 1 × deaths, minus 0.01 × attacks; higher is better. Empty if no objectives are given."""
    terms = [f"{'minus' if o.sign < 0 else 'plus'} {o.weight:g} × {label(o.outcome, labels)}" for o in objectives]
    return f"Value: {', '.join(terms)}; higher is better. " if terms else ""


def value_unit(objectives: Sequence[Objective], labels: Labels | None) -> str:
    """The unit of a value: the outcome's own where there is one objective of weight 1, else a bare unit of value."""
    own = unit(objectives[0].outcome, labels) if len(objectives) == 1 and objectives[0].weight == 1 else ""
    return own or "units of value"


def number(value: float) -> str:
    """A value with three digits that count, thousands separated: 1,230; 45.6; 0.00789; −3.2."""
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.0995 else None
    text = f"{value:.2g}" if digits is None else f"{value:,.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")
