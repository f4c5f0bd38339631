"""What a document is made of: sections of plain paragraphs, lists and tables; and the same as Markdown.

Texts have one mark-up, `identifiers` in backticks. Whoever makes a page of them escapes everything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Paragraph | Items | Table


@dataclass(frozen=True)
class Section:
    """level: 1 to 3, 1 the highest. blocks: in reading order; a section that only heads others has none."""

    title: str
    level: int
    blocks: tuple[Block, ...] = ()


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    return Table(tuple(heads), tuple(tuple(row) for row in rows))


def markdown(sections: Iterable[Section], deeper: int = 0) -> str:
    """Sections as Markdown. deeper: by how many levels headings stand below those of the sections."""
    parts = []
    for section in sections:
        parts.append(f"{'#' * (section.level + deeper)} {section.title}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(parts)


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _escaped(block.text)
    if isinstance(block, Items):
        return "\n".join(f"- {_escaped(text)}" for text in block.texts)
    lines = [
        _line(block.heads),
        _line("---" for _ in block.heads),
        *(_line(_escaped(cell) for cell in row) for row in block.rows),
    ]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """No cell is cut in two, no line is broken, and nothing reads as HTML. Between backticks nothing does anyway."""
    parts = " ".join(text.split()).replace("|", "&#124;").split("`")
    return "`".join(part if k % 2 else part.replace("<", "&lt;") for k, part in enumerate(parts))
