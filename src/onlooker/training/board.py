"""The log's numbers for TensorBoard, beside the log, where TensorBoard is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
SKIPPED = ("epoch", "videos", "people")


class Board:
    """Writes event files into `folder/tensorboard`; rows behind step `until` of an interrupted run are hidden."""

    def __init__(self, folder: Path, *, until: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / FOLDER), purge_step=until + 1)  # type: ignore[no-untyped-call]

    def write(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """One curve for each number of a row: `step/loss`, `evaluation/top1`, ..."""
        for name, value in values.items():
            if isinstance(value, int | float) and name not in SKIPPED:
                self._writer.add_scalar(f"{kind}/{name}", float(value), step)

    def sync(self) -> None:
        """Everything so far into the files."""
        self._writer.flush()

    def close(self) -> None:
        """No more rows."""
        self._writer.close()


def open_board(folder: Path, *, until: int) -> Board | None:
    """A board, or None where the package tensorboard is not installed."""
    return Board(folder, until=until) if importlib.util.find_spec("tensorboard") is not None else None
