"""Which world this is: rendered clips that are kept on disk are good only for the code that rendered them."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def edition() -> str:
    """A digest of the world's source code: any change of it may change what a seed looks like.

    >>> len(edition())
    16
    """
    digest = sha256()
    folder = Path(__file__).resolve().parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
