"""Which finished tracks are kept: not the static, the erratic, the jumping, nor those that only the camera moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.config import Config

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trial:
    """For n tracks in original pixels: whether they pass, mean and deviation (n, 2) in x and y, path length, and their
    displacements over that length (n, steps, 2), zero for those that fail. The length is 0 for static and erratic
    ones."""

    passed: NDArray[np.bool_]
    mean: Points
    std: Points
    length: NDArray[np.float32]
    shape: Points


def try_tracks(points: Points, config: Config) -> Trial:
    """Judge tracks (n, steps + 1, 2) by how far and how evenly they go."""
    mean, std = points.mean(axis=1), points.std(axis=1)
    static = (std < config.min_std).all(axis=1)
    erratic = (std > config.max_std).any(axis=1)
    moves = np.diff(points, axis=1)
    lengths = np.sqrt((moves**2).sum(axis=2))
    longest, total = lengths.max(axis=1), lengths.sum(axis=1)
    jumping = (longest > config.max_jump) & (longest > config.max_jump_share * total)
    passed = ~(static | erratic | jumping)
    length = np.where(static | erratic, np.float32(0), total)
    return Trial(passed, mean, std, length, _normalised(moves, total, passed))


def try_motion(moves: Points, config: Config) -> tuple[NDArray[np.bool_], Points]:
    """Judge what is left of displacements (n, steps, 2) when the camera's motion is taken out of them.

    Gives whether a track has a displacement longer than `config.min_motion` pixels, and the displacements over their
    total length, zero where not.
    """
    lengths = np.sqrt((moves**2).sum(axis=2))
    kept = lengths.max(axis=1) > config.min_motion
    return kept, _normalised(moves, lengths.sum(axis=1), kept)


def _normalised(moves: Points, total: NDArray[np.float32], passed: NDArray[np.bool_]) -> Points:
    safe = np.where(passed, total, np.float32(1))
    return np.where(passed[:, None, None], moves / safe[:, None, None], np.float32(0)).astype(np.float32)
