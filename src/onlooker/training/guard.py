"""Steps whose loss or gradient is not finite: skipped, counted, and too many of them end the run."""

from __future__ import annotations

import math

from onlooker.errors import OnlookerError


class Diverged(OnlookerError):
    """Training met too many steps without a finite loss or gradient; the last good checkpoint is kept."""


class Guard:
    """Counts bad steps over the whole run, resumes included."""

    def __init__(self, limit: int, bad: int = 0) -> None:
        self.limit = limit
        self.bad = bad

    def accepts(self, loss: float, norm: float) -> bool:
        """Whether the step may be taken. Raises Diverged at the `limit`-th bad one."""
        if math.isfinite(loss) and math.isfinite(norm):
            return True
        self.bad += 1
        if self.bad >= self.limit:
            raise Diverged(
                f"{self.bad} steps had no finite loss or gradient (the last: loss {loss:g}, gradient {norm:g}). "
                "The newest checkpoint is from before; lower optimizer.lr, set loop.clip_norm, or check the data."
            )
        return False
