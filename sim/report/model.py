"""The model described from its own declarations: the STRESS-DES checklist and the ODD description.

What cannot be derived (what the model is for, how it was thought) is prose of `sim.purpose`, in one place.
"""

from collections.abc import Mapping

from sim.report.odd import odd
from sim.report.sections import Block, Items, Paragraph, Section, Table, markdown
from sim.report.stress_des import stress_des
from sim.scenario import Scenario

__all__ = ["Block", "Items", "Paragraph", "Section", "Table", "document", "markdown", "odd", "sections", "stress_des"]


def sections(shipped: Mapping[str, Scenario]) -> list[Section]:
    """The checklist, then the description, in reading order. shipped: the scenarios of the schedules that ship, by name."""
    return [*stress_des(shipped), *odd(shipped)]


def document(shipped: Mapping[str, Scenario]) -> str:
    """The same as Markdown."""
    return markdown(sections(shipped)) + "\n"
