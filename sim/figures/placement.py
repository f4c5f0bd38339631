"""Where things go so that they do not lie on one another."""

from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart within [low, high], each as near to where it was wanted as its neighbours let it.

    Keeps the order of the wanted positions (ties in the order given). Neighbours that would collide form a block
    around their mean. When they cannot all fit, they are spaced evenly over the room there is.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    turn = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    blocks: list[list] = []  # [sum of wanted first positions, members]
    for rank, i in enumerate(turn):
        blocks.append([wanted[i] - rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    highest_first = high - (len(wanted) - 1) * gap
    firsts = [min(max(total / members, low), highest_first) for total, members in blocks for _ in range(members)]
    places = [0.0] * len(wanted)
    for rank, i in enumerate(turn):
        places[i] = firsts[rank] + rank * gap
    return places


def lanes(positions: Sequence[float], gap: float) -> list[int]:
    """For each position, given in rising order, the first lane in which the one before it is `gap` away."""
    last: list[float] = []
    taken = []
    for position in positions:
        lane = next((i for i, end in enumerate(last) if position - end >= gap), len(last))
        last[lane : lane + 1] = [position]
        taken.append(lane)
    return taken


def jitter(count: int) -> list[float]:
    """Numbers in (-1, 1) that fill it evenly for any count, the same every time: multiples of the golden ratio."""
    return [2 * ((i + 1) * 0.6180339887498949 % 1) - 1 for i in range(count)]
