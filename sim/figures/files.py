"""A chart as files: PNG for slides, SVG for print."""

from pathlib import Path

import vl_convert

SCALE = 2  # pixels of the PNG for each pixel of the design: 2 keeps 14 px type sharp on a projector
PPI = 72  # the design's own resolution, so that SCALE alone decides the size


def files(chart) -> dict[str, bytes]:
    """The chart as `png` (twice the design's size) and `svg`, by suffix."""
    definition = chart.to_dict()
    png = vl_convert.vegalite_to_png(definition, scale=SCALE, ppi=PPI)
    return {"png": png, "svg": vl_convert.vegalite_to_svg(definition).encode()}


def save(chart, folder, name: str) -> tuple[Path, Path]:
    """Write `<name>.png` and `<name>.svg` into `folder`, made if absent; both paths.

    Raises ValueError when `name` is no plain file name, OSError when the folder cannot be written.
    """
    if not name or name != Path(name).name or name in (".", ".."):
        raise ValueError(f"{name!r} is no plain file name for a figure")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = files(chart)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    png.write_bytes(made["png"])
    svg.write_bytes(made["svg"])
    return png, svg
