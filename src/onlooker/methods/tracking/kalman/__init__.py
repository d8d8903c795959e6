"""Online multi-person tracker: batched Kalman filters, two-stage association, appearance, camera motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.tracking.kalman.model import VARIANTS, Config, KalmanTracker

register(
    Method(
        name="kalman",
        package=__name__,
        title="Kalman tracker",
        summary="Online tracking of people by batched Kalman filters, two-stage association and appearance",
        paper="arXiv:1602.00763, arXiv:1703.07402, arXiv:2110.06864 (in their manner)",
        code_licence="Apache-2.0",
        weights_licence="none",
    )
)
__getattr__ = lazy_exports(__name__, {"VARIANTS": "model", "Config": "model", "KalmanTracker": "model"})

__all__ = ["VARIANTS", "Config", "KalmanTracker"]
