"""Which sources decide what an engine computes, and a hash of them: for the cache of machine code and for stored results."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

PATTERNS = ("*.py", "agents/*.py", "engines/*.py")  # of sim: whatever can change a history


def content() -> Iterator[bytes]:
    """The name and the text of each source, in a fixed order."""
    root = Path(__file__).parents[1]
    for pattern in PATTERNS:
        for path in sorted(root.glob(pattern)):
            yield path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes()


@cache
def sources_hash() -> str:
    """Sixteen hexadecimal digits of the SHA-256 of all of them."""
    digest = sha256()
    for text in content():
        digest.update(text)
    return digest.hexdigest()[:16]
