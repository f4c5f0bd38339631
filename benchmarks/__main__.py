"""python -m benchmarks [quick] [NAME ...]: check, then time; docs/benchmarks.md is written unless it was quick.

Exit status: 0; 1 if a check failed (no time of that benchmark is reported, and the page stays as it was); 2 for a wrong name.
"""

import sys
from collections.abc import Callable

from benchmarks import engines, growth, kernels, overhead, page, pairing, ranking
from benchmarks.machine import in_short
from benchmarks.report import CheckFailed, Missing, Section
from benchmarks.timing import duration, wall

BENCHMARKS: dict[str, Callable[[bool], Section]] = {
    "engines": engines.measure,
    "c": engines.measure_c,
    "kernels": kernels.measure,
    "ranking": ranking.measure,
    "growth": growth.measure,
    "overhead": overhead.measure,
    "pairing": pairing.measure,
}


def main(words: list[str]) -> int:
    quick = "quick" in words
    names = [word for word in words if word != "quick"] or list(BENCHMARKS)
    wrong = [name for name in names if name not in BENCHMARKS]
    if wrong:
        print(f"{wrong[0]}: no such benchmark; there are: {', '.join(BENCHMARKS)}, and quick for a smoke run", file=sys.stderr)
        return 2
    print(f"{'Quick run' if quick else 'Benchmarks'} on {in_short()}", flush=True)
    parts: dict[str, str] = {}
    failed = False
    for name in names:
        print(f"\n## {name}", flush=True)
        began = wall()
        try:
            section = BENCHMARKS[name](quick)
        except Missing as why:
            section = Section(name.capitalize(), f"not measured: {why}")
        except CheckFailed as why:
            print(f"error: {name}: check failed: {why}", file=sys.stderr, flush=True)
            failed = True
            continue
        print("\n".join(section.lines()))
        print(f"({duration(wall() - began)})", flush=True)
        parts[name] = page.written(name, section, wall() - began)
    if failed:
        return 1
    if quick:
        print("\nA quick run: its figures are rough, and the page is as it was.")
    else:
        print(f"\nWritten: {page.write(parts, list(BENCHMARKS)).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
