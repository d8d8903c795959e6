"""Questions about paths from lists. Whatever stands in a list (NUL, names too long, loops of links), the answer is no,
never an exception."""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a file, possibly behind links."""
    return os.path.isfile(path)


def is_folder(path: Path) -> bool:
    """Whether there is a folder, possibly behind links."""
    return os.path.isdir(path)


def true_path(path: Path) -> str:
    """The path without links, as far as they can be followed.

    >>> true_path(Path("/tmp/../etc/"))
    '/etc'
    """
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return os.path.abspath(path)
