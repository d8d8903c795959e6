"""The numbers behind the motion facts. Durations are seconds of media time, lengths and speeds are in body heights."""

from __future__ import annotations

from dataclasses import dataclass

TICK = 1e-9  # seconds: times that differ by less are the same


@dataclass(frozen=True)
class MotionConfig:
    """Thresholds of `init_state`.

    A person of 1.7 m who strolls at 0.7 m/s moves at 0.4 body heights a second; walk turns into run near 2 m/s (1.2).
    Each pair `*_on`, `*_off` is a hysteresis: the first to begin, the second, lower one to stop.
    """

    window: float = 1.0  # over which a speed is fitted
    depth_window: float = 2.0  # the same for the change of height, which is noisier
    sample_period: float = 1 / 15  # more samples than this cost time and add no accuracy
    walk_on: float = 0.30
    walk_off: float = 0.18
    run_on: float = 1.45
    run_off: float = 1.15
    hold: float = 0.8  # a new activity or direction must last this long before it counts
    shortest: float = 1.0  # briefer segments join their neighbour; briefer tracks say nothing
    shortest_leg: float = 1.5  # briefer stretches in one direction are not said
    proven: float = 1.5  # somebody tracked for less neither came nor went
    seen_share: float = 0.3  # what was seen in a smaller part of its frames is not said
    focal: float = 1.0  # assumed focal length in picture widths, for motion towards the camera
    least_growth: float = 0.1  # of the height, a second: less is not told from the detector's wavering
    max_depth_gain: float = 6.0  # at most this factor (focal / height) from growth to speed: it multiplies noise, too

    lost_border: float = 2.0  # unseen this long after touching the border: left
    lost_inside: float = 5.0  # unseen this long in the middle of the picture: out of sight
    gap: float = 2.0  # longer gaps cut activities
    settle: float = 1.0  # people seen this soon after the start or a cut were there before
    border: float = 0.02  # of the picture's width or height: a box this close touches the border

    dwell_time: float = 8.0
    dwell_radius: float = 0.75

    near: float = 1.1  # distance between feet, sideways
    near_depth: float = 0.5  # and up or down the picture, where distance is foreshortened
    alike: float = 0.45  # difference of velocities
    together_time: float = 3.0
    together_release: float = 1.5
    together_share: float = 0.7  # of the time at which both were measured
