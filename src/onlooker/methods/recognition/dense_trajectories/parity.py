"""Reads fixtures of the released extractor's parts and of Fisher vectors (any size) and compares every output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from onlooker.errors import ConfigError
from onlooker.methods.comparison import EXACT, Tolerance
from onlooker.methods.recognition.dense_trajectories import descriptors, farneback, fisher, pyramid, sampling, trials
from onlooker.methods.recognition.dense_trajectories.camera import warp
from onlooker.methods.recognition.dense_trajectories.config import Config

Item = tuple[str, Any, Any, Tolerance]

DESCRIPTORS = Tolerance(1e-4)
"""The wider of the two that the fixture states: the original sums in float32 and loses digits as frames grow. On the
shared fixture the gap is below 5e-6."""
TRAJECTORIES = Tolerance(1e-5, 1e-5)
SUMS = Tolerance(1e-3, 1e-5, to_peak=True)
END_POINT, WARP_SHARE = 0.05, 0.01


def parity(folder: Path) -> Iterator[Item]:
    """Name, our value, the recorded one and what it may differ by."""
    described = json.loads((folder / "config.json").read_text())
    given, recorded = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    if "modes" in described:
        yield from _fisher(given, recorded)
    elif "patch_size" in described:
        yield from _extractor(given, recorded, _config(described))
    else:
        raise ConfigError("config.json: neither a fixture of the extractor nor of Fisher vectors.")


def _config(described: dict[str, Any]) -> Config:
    fixed = {"patch_size": 32, "spatial_cells": 2, "temporal_cells": 3, "track_length": 15, "warp_margin": 5}
    if wrong := [name for name, value in fixed.items() if described.get(name, value) != value]:
        raise ConfigError(f"config.json: {', '.join(wrong)} cannot be changed here.")
    std = described["min_std"]
    return Config(
        step=described["sampling_step"],
        corner_quality=described["corner_quality"],
        min_flow=described["min_flow"],
        epsilon=described["epsilon"],
        min_std=3**0.5 if std == "sqrt(3)" else float(std),
        max_std=described["max_std"],
        max_jump=described["max_displacement"],
        scales=described["max_scales"],
    )


def _extractor(given: dict[str, Any], recorded: dict[str, Any], config: Config) -> Iterator[Item]:
    first, second = (given[name].round().astype(np.uint8) for name in ("frame1", "frame2"))
    height, width = first.shape
    top_left = descriptors.corners(given["points_xy"], width, height)
    yield "patch_top_left_xy", top_left, recorded["patch_top_left_xy"], EXACT
    pictures = (first, *cv2.split(given["flow"]))
    seen = descriptors.describe(first, given["flow"], top_left, config.min_flow, config.epsilon)
    for number, name in enumerate(("hog", "hof", "mbh_x", "mbh_y")):
        if f"integral_{name}" in recorded:
            dx, dy = (field[0] for field in descriptors.vectors(pictures, [number]))
            small = [descriptors.drop_small(dx, dy, config.min_flow)] if number == descriptors.HOF else []
            planes = [plane.copy() for plane in descriptors.histograms(dx, dy)] + small
            sums = np.stack([cv2.integral(plane, sdepth=cv2.CV_64F) for plane in planes], axis=-1)
            yield f"integral_{name}", sums[::8, ::8], recorded[f"integral_{name}"], SUMS
        found = seen[descriptors.ENDS[number] : descriptors.ENDS[number + 1]]
        cells_first = found.reshape(-1, descriptors.QUARTERS, len(top_left)).transpose(2, 1, 0)
        yield name, cells_first.reshape(len(top_left), -1), recorded[name], DESCRIPTORS
    yield from _trials(given, recorded, config)
    for name, taken in (
        ("dense_samples_xy", np.zeros((0, 2), np.float32)),
        ("dense_samples_with_existing_xy", given["existing_points_xy"]),
    ):
        yield name, sampling.sample(first, taken, config.step, config.corner_quality), recorded[name], EXACT
    sizes = pyramid.levels(width, height, config.scales)
    table = np.array([(level.scale, level.width, level.height) for level in sizes])
    yield "pyramid_scale_width_height", table, recorded["pyramid_scale_width_height"], Tolerance(1e-6)
    yield from _pictures(first, second, sizes, given, recorded)


def _trials(given: dict[str, Any], recorded: dict[str, Any], config: Config) -> Iterator[Item]:
    trial = trials.try_tracks(given["tracks_xy"], config)
    stats = np.column_stack((trial.mean, trial.std, trial.length))
    yield "trajectory_valid", trial.passed, recorded["trajectory_valid"], EXACT
    yield "trajectory_stats", stats, recorded["trajectory_stats"], TRAJECTORIES
    yield "trajectory_normalised", trial.shape, recorded["trajectory_normalised"], TRAJECTORIES
    kept, moves = trials.try_motion(given["displacements_xy"], config)
    yield "displacement_kept", kept, recorded["displacement_kept"], EXACT
    yield "displacement_normalised", moves, recorded["displacement_normalised"], TRAJECTORIES


def _pictures(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    sizes: tuple[pyramid.Level, ...],
    given: dict[str, Any],
    recorded: dict[str, Any],
) -> Iterator[Item]:
    """The fixture states a share of pixels and a mean end-point error: those are compared, with the values as zero."""
    matrix = np.linalg.inv(given["homography"].astype(np.float64))
    warped = warp(second, first, matrix).astype(np.float64)
    beyond = float((np.abs(warped - recorded["warped_second_frame"]) > 1).mean())
    yield "warped_second_frame", np.float64(beyond), np.float64(0), Tolerance(WARP_SHARE)
    flow = farneback.flows(farneback.expand(first, sizes), farneback.expand(second, sizes))[0]
    error = float(np.linalg.norm(flow - recorded["farneback_flow"], axis=-1).mean())
    yield "farneback_flow", np.float64(error), np.float64(0), Tolerance(END_POINT)


def _fisher(given: dict[str, Any], recorded: dict[str, Any]) -> Iterator[Item]:
    tolerance = Tolerance(1e-8)
    rows, weights, means, variances = (
        torch.from_numpy(given[name]) for name in ("descriptors", "gmm_weights", "gmm_means", "gmm_variances")
    )
    shares = fisher.posteriors(rows, weights, means, variances)
    yield "posteriors", shares, recorded["posteriors"], tolerance
    by_mean, by_std = fisher.gradients(*fisher.moments(rows, shares), len(rows), weights, means, variances)
    yield "grad_mean", by_mean, recorded["grad_mean"], tolerance
    yield "grad_std", by_std, recorded["grad_std"], tolerance
    vector = fisher.normalise(torch.cat((by_mean.flatten(), by_std.flatten())))
    yield "fisher_vector", vector, recorded["fisher_vector"], tolerance
