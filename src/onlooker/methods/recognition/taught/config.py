"""What a file of taught actions holds: which backbone, how many actions. Imports no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Config:
    """`backbone` is the method whose features are used, `settings` its configuration as JSON text, `width` the length
    of its features, `actions` how many were taught, `rank` how many directions are known to vary within an action,
    `sides` 2 where the mirror image of each action has a mean of its own, `background` whether they were
    learned beside one: then some features count more, and each action has a threshold of its own.

    >>> Config(actions=3).classes
    4
    """

    backbone: str = "dense_trajectories"
    settings: str = "{}"
    width: int = 27264
    actions: int = 1
    rank: int = 0
    sides: int = 1
    background: bool = False

    def __post_init__(self) -> None:
        if self.backbone == "taught" or self.actions < 1 or self.width < 1 or self.rank < 0 or self.sides not in (1, 2):
            raise ConfigError(
                f"an impossible configuration: {self}. At least one action, on another method's features."
            )
        try:
            json.loads(self.settings)
        except ValueError:
            raise ConfigError(f"settings={self.settings!r} is no JSON text: teach the actions again.") from None

    @property
    def classes(self) -> int:
        """The actions, and last the unknown."""
        return self.actions + 1


VARIANTS: dict[str, Config] = {"default": Config()}

TINY: dict[str, Any] = {
    "backbone": "timesformer",
    "settings": json.dumps({"frames": 4, "size": 32, "patch": 8, "dim": 32, "depth": 1, "heads": 2, "classes": 5}),
    "width": 32,
    "actions": 4,
    "rank": 3,
}
"""Settings that make a model for tests of whatever uses one."""
