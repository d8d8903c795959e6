"""What the line-based formats share: reading text, numbers and faults by line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import RecordError
from onlooker.storage import atomic_write, storage_errors

SHOWN = 1000


def read_text(path: str | Path) -> str:
    """UTF-8 text (a byte order mark is skipped). Errors: RecordError with the line of a byte that is not UTF-8."""
    path = Path(path)
    with storage_errors(path, "read"):
        data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RecordError(
            f"{path.name}:{line}: byte {data[error.start]:#04x} is not UTF-8: save it as UTF-8."
        ) from error


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write lines (each with its own newline) as UTF-8, atomically, without holding them all."""
    atomic_write(Path(path), lambda file: file.writelines(line.encode() for line in lines))


def refuse(faults: list[str]) -> None:
    """Raise RecordError listing all faults (past a thousand their number), if there are any."""
    if faults:
        more = [f"... and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        raise RecordError("\n".join([*faults[:SHOWN], *more]))


def number_matrix(path: str | Path, columns: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A file of comma-separated numbers as float64 (n, widest), missing trailing columns NaN, and each row's line.

    Errors: RecordError listing every line with too few or too many columns (`columns` is least and most), words that
    are not numbers, and numbers that are not finite.
    """
    name = Path(path).name
    lines = [(number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    numbers = np.array([number for number, _ in lines], np.int64)
    matrix = np.full((len(lines), columns[1]), np.nan)
    faults = []
    for row, (number, line) in enumerate(lines):
        words = line.split(",")
        if not columns[0] <= len(words) <= columns[1]:
            faults.append(f"{name}:{number}: {len(words)} columns, expected {columns[0]} to {columns[1]}")
            continue
        try:
            values = [float(word) for word in words]
        except ValueError:
            wrong = next(word.strip() for word in words if not is_number(word))
            faults.append(f"{name}:{number}: {wrong!r} is not a number")
            continue
        matrix[row, : len(values)] = values
        if not np.isfinite(matrix[row, : len(values)]).all():
            faults.append(f"{name}:{number}: a value is not finite")
    refuse(faults)
    return matrix, numbers


def is_number(word: str) -> bool:
    """Whether Python reads the word as a float."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def show_number(value: float) -> str:
    """The shortest decimal that reads back as the same float64; whole numbers without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
