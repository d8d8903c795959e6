"""Clips of the procedural world as a source of labelled clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec
from onlooker.world.dataset import WorldClips


class WorldSource:
    """`WorldClips` behind the interface of `ClipSource`: clips are rendered, so there are no files to miss.

    Random moments do not exist here: each clip shows one action, and its timing already comes from its seed.
    """

    def __init__(self, clips: WorldClips) -> None:
        self._clips = clips

    @property
    def classes(self) -> tuple[str, ...]:
        """The actions."""
        return self._clips.recipe.labels

    def __len__(self) -> int:
        return len(self._clips)

    def label(self, index: int) -> int:
        """As `WorldClips` numbers them."""
        return index % len(self._clips.recipe.labels)

    def name(self, index: int) -> str:
        """The seed that the clip is drawn from; the last digit tells the split. A reversed pair shares it."""
        return f"world:{self._clips.seed_of(index)}:{self.classes[self.label(index)]}"

    def random_clip(self, index: int, spec: InputSpec, draw: int) -> NDArray[np.uint8]:
        """The clip, whatever the draw. Raises ConfigError when its length is not `spec.frames`."""
        del draw
        return self._frames(index, spec)

    def clips(self, index: int, spec: InputSpec, count: int) -> list[NDArray[np.uint8]]:
        """The one clip there is."""
        del count
        return [self._frames(index, spec)]

    def _frames(self, index: int, spec: InputSpec) -> NDArray[np.uint8]:
        recipe = self._clips.recipe
        if recipe.frames % spec.frames or recipe.size < spec.short_side:
            raise ConfigError(
                f"the world's clips have {recipe.frames} frames of {recipe.size} pixels; the model wants {spec.frames} "
                f"of {spec.short_side}: render a multiple of its frames, no smaller."
            )
        return self._clips[index].clip[:: recipe.frames // spec.frames]
