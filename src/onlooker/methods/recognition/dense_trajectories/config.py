"""The numbers of improved dense trajectories, and the published settings by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Matcher = Literal["orb", "akaze", "sift", "corners"]

CHANNELS = {"shape": 30, "hog": 96, "hof": 108, "mbh_x": 96, "mbh_y": 96}
"""Descriptor types and their lengths, in the order of the 426 last columns of a row of text."""


@dataclass(frozen=True, slots=True)
class Config:
    """Every number of the pipeline; the defaults of extraction are those of the released code.

    `compensate` switches camera-motion compensation: with it this is the improved method of ICCV 2013, without it
    that of CVPR 2011. `matcher` names the keypoints that join the flow's corners in estimating the camera: the
    released code's SURF is not free, so ORB takes its place; `corners` uses flow corners alone. `width` (0: no limit)
    is the longest side that `features` and `predict` look at; larger video is scaled down.

    `gaussians` is the size of the mixtures, `classes` the number of actions of the classifier (0: none yet).

    >>> Config().dim, Config(gaussians=256).dim
    (27264, 109056)
    """

    compensate: bool = True
    matcher: Matcher = "orb"
    width: int = 320
    scales: int = 8
    step: int = 5
    corner_quality: float = 0.001
    min_flow: float = 0.4
    epsilon: float = 0.05
    min_std: float = 3**0.5
    max_std: float = 50.0
    max_jump: float = 20.0
    max_jump_share: float = 0.7
    min_motion: float = 1.0
    gaussians: int = 64
    classes: int = 0

    def __post_init__(self) -> None:
        if self.matcher not in get_args(Matcher):
            raise ConfigError(f"no keypoints {self.matcher!r}: choose {', '.join(get_args(Matcher))}.")
        if min(self.scales, self.step, self.gaussians) < 1 or min(self.width, self.classes) < 0:
            raise ConfigError(f"an impossible configuration: {self}. Scales, step and gaussians are positive.")

    @property
    def dim(self) -> int:
        """Length of a Fisher vector: a mean and a deviation for each gaussian and reduced descriptor number."""
        return 2 * self.gaussians * sum(length // 2 for length in CHANNELS.values())


VARIANTS: dict[str, Config] = {
    "improved": Config(),
    "improved_256": Config(width=0, gaussians=256),
    "plain": Config(compensate=False),
    "plain_256": Config(compensate=False, width=0, gaussians=256),
}
"""`_256` are the papers' sizes; the small ones are those of the codebook that comes with Onlooker."""

TINY: dict[str, Any] = {"width": 64, "scales": 1, "gaussians": 2, "classes": 5}
"""Settings that make a model for tests of whatever uses one."""


def spec_for(config: Config) -> InputSpec:
    """What one clip of a batch looks like. Whole videos are read at their own rate, and not cropped."""
    side = config.width * 3 // 4 or 240
    spec = InputSpec(frames=64, stride=1, short_side=side, crop=side)
    return replace(spec, frames=20) if config.scales == 1 else spec
