"""Online multi-person tracker: batched Kalman filters, two-stage association, appearance, camera motion."""

from onlooker.methods.tracking.kalman.model import VARIANTS, Config, KalmanTracker

__all__ = ["VARIANTS", "Config", "KalmanTracker"]
