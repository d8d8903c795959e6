"""What actions look like that nobody taught: shipped numbers beside which a few taught ones are seen.

They belong to one codebook of dense trajectories; other backbones have none, and do with what is taught alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.weights.card import Card
from onlooker.weights.header import read_header
from onlooker.weights.loading import open_state

FILE = "background.safetensors"
SHARES = {"shape": 0.0, "hog": 1.0, "hof": 0.5, "mbh_x": 1.0, "mbh_y": 1.0}
"""Of each descriptor type in a squared length. How these numbers were chosen: see the card."""
BELIEVED = 0.2
"""The cosine from which on an action is believed."""
USUAL, STRICTER = 0.4, 0.2
"""Where the median m of held-out examples is above the usual, `STRICTER * (m - USUAL)` is added: what looks the same
each time must be met more closely."""
LEAST_ACTIONS = 3  # in the centre: the background stands for those that lack


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """`mean` (width,) of unit features of actions that nobody taught, `scale` (width,) by which features are
    multiplied before they are normalised."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    def threshold(self, held_out: NDArray[np.float64] | None) -> float:
        """The cosine from which on an action is believed, from those of its examples that were learned without."""
        alike = USUAL if held_out is None else float(np.median(held_out))
        return BELIEVED + STRICTER * max(alike - USUAL, 0.0)

    def weight(self, actions: int) -> int:
        """As how many actions the mean counts beside some that were taught.

        >>> [Background(np.zeros(2), np.ones(2)).weight(actions) for actions in (1, 2, 3, 9)]
        [2, 1, 1, 1]
        """
        return max(1, LEAST_ACTIONS - actions)


def background_of(method: str, digest: str, config: Any) -> Background | None:
    """What is shipped for a backbone: its method, the digest of its weights and its configuration; None if nothing.

    Errors: WeightsError for a damaged file.
    """
    if method != "dense_trajectories":
        return None
    with resources.as_file(resources.files(__package__) / FILE) as path:
        card = Card.from_metadata(read_header(path).metadata, path.name)
        if card is None or digest != card.origin_sha256 or not config.compensate:
            return None
        mean = open_state(path)[0]["mean"].double().numpy()
    return Background(mean, scale_of(config.gaussians))


def scale_of(gaussians: int, shares: Mapping[str, float] = SHARES) -> NDArray[np.float64]:
    """For each number of a Fisher vector the root of its descriptor type's share.

    >>> scale_of(1).shape, float(scale_of(1)[:30].max())
    ((426,), 0.0)
    """
    from onlooker.methods.recognition.dense_trajectories.config import CHANNELS

    lengths = [2 * gaussians * (length // 2) for length in CHANNELS.values()]
    return np.repeat(np.sqrt([shares[name] for name in CHANNELS]), lengths)


def card_of(digest: str, origin: str, settings: Mapping[str, Any]) -> Card:
    """The card of a file of `mean` for the codebook with that digest."""
    return Card(
        method="taught",
        variant="background",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        data_licence="none",
        origin=origin,
        origin_sha256=digest,
        config=json.dumps(settings, sort_keys=True),
    )
