"""A chart as SVG that belongs into a page: smaller, without ids that clash, with a text alternative.

Colours stay in its attributes, by which the style of the page changes them in the dark.
"""

import re
from typing import Any
from xml.etree import ElementTree

import vl_convert
from markupsafe import Markup

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)

PADDED = re.compile(r"(\.\d*?)0+(?!\d)")
DECIMALS = re.compile(r"-?\d+\.\d{2,}")
STEPS = re.compile(r"(?<=L)-?[\d.]+,-?[\d.]+(?:L-?[\d.]+,-?[\d.]+)+")
USED = re.compile(r"url\(#([^)]*)\)")
MARK = re.compile(r"\bmark-(symbol|rect|rule)\b")
GEOMETRY = ("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height")
# what says nothing, or what the page's style says for all charts at once
IDLE = {
    **dict.fromkeys(("class", "role", "aria-roledescription", "aria-hidden", "aria-label", "pointer-events")),
    **{"font-family": None, "opacity": "1", "font-weight": "normal", "stroke-width": "1", "stroke-miterlimit": None},
    **{"fill-opacity": "1", "stroke-opacity": "1", "version": None},
}
FONT = "14px"  # the size of most text, which the page's style sets


def drawing(chart: Any, prefix: str, title: str) -> Markup:
    """The chart as an <svg> element.

    Args:
        chart: of altair. prefix: for ids, of this drawing only. title: what a reader who does not see it is told.
    Returns:
        trusted markup: whatever text the chart shows has been escaped by the XML writer.
    """
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
    clean(root, prefix)
    root.set("role", "img")
    root.set("aria-label", title)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def clean(element: ElementTree.Element, prefix: str, marked: bool = False) -> None:
    """Drop what is not seen, shorten numbers, keep what a mark says of itself as `data-tip`, and make ids unique; in place."""
    kind = element.get("class", "")
    marked = bool(MARK.search(kind)) if kind.startswith("mark-") else marked
    tip = element.get("aria-label") if marked and element.get("aria-roledescription") != "circle" else None
    for name, idle in IDLE.items():
        if name in element.attrib and (idle is None or element.get(name) == idle):
            del element.attrib[name]
    if element.get("font-size") == FONT:
        del element.attrib["font-size"]
    for name, value in element.attrib.items():
        if name == "id":
            element.set(name, prefix + value)
        elif "url(#" in value:
            element.set(name, USED.sub(lambda found: f"url(#{prefix}{found[1]})", value))
        elif name in GEOMETRY:
            short = DECIMALS.sub(lambda found: f"{float(found[0]):.1f}".replace(".0", ""), value)
            element.set(name, STEPS.sub(straight, short) if name == "d" else short)
    if tip:
        element.set("data-tip", PADDED.sub(lambda found: found[1].removesuffix("."), tip))
    for child in list(element):
        if child.get("class") in ("background", "foreground") and unseen(child):
            element.remove(child)
        else:
            clean(child, prefix, marked)
    for child in list(element):  # groups of which nothing is left
        if child.tag == f"{{{SVG}}}g" and len(child) == 0:
            element.remove(child)


def straight(found: re.Match[str]) -> str:
    """Points of a line without those between two others at the same height, or straight above each other."""
    kept: list[list[str]] = []
    for point in (text.split(",") for text in found[0].split("L")):
        while len(kept) > 1 and any(kept[-2][axis] == kept[-1][axis] == point[axis] for axis in (0, 1)):
            kept.pop()
        kept.append(point)
    return "L".join(",".join(point) for point in kept)


def unseen(path: ElementTree.Element) -> bool:
    """Whether a background or foreground paints nothing."""
    return path.get("display") == "none" or (path.get("fill", "none") == "none" and path.get("stroke", "none") == "none")
