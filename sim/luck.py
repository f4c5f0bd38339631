"""Random numbers keyed by meaning: a uniform is a pure function of (seed, replication, stream, n, word, lane).

The generator is Philox4x64-10 (Salmon and others 2011), the one behind numpy.random.Philox, so anybody can check a draw:

    Generator(Philox(key=[seed, replication], counter=[n - 1, stream, word, 0])).random(4)      # n counts from 1

A stream is the hash of a name, activity and agent, never a position in a list: adding a group or an activity leaves all other
histories unchanged to the bit. The word says what the four uniforms are for: TIMING (gap to the next opportunity, acceptance,
two spare), EVENT (what happens at it), or, for a response, the stream of the event that set it off, n being that event's: the
reprisal for the same attack has the same luck under every schedule.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.random import Generator, Philox

SCHEME = "philox4x64-10/1"  # stored with results; change it when any draw would change
TIMING, EVENT = 0, 1

Luck = tuple[float, float, float, float]


@lru_cache(maxsize=1024)
def stream(agent: str, activity: str, who: str = "") -> int:
    """The stream of one activity of one agent (of one group, if it is one for each group): 64 bits of a hash of the names."""
    return int.from_bytes(blake2b(f"{agent}/{activity}/{who}".encode(), digest_size=8).digest(), "little")


def draw(seed: int, replication: int, stream: int, n: int, word: int = TIMING) -> Luck:
    """The four uniforms in [0, 1) of one key; n >= 1."""
    a, b, c, d = generator(seed, replication, stream, n, word).random(4).tolist()
    return a, b, c, d


def draws(seed: int, replication: int, stream: int, word: int = TIMING, batch: int = 64) -> Iterator[Luck]:
    """The same for n = 1, 2, 3, ..., made in batches: what `draw` gives, much faster."""
    source = generator(seed, replication, stream, 1, word)
    while True:
        yield from source.random((batch, 4)).tolist()


def generator(seed: int, replication: int, stream: int, n: int, word: int) -> Generator:
    """numpy's own generator, placed at one key."""
    key = np.array([seed, replication], dtype=np.uint64)
    counter = np.array([n - 1, stream, word, 0], dtype=np.uint64)
    return Generator(Philox(key=key, counter=counter))
