"""Truth that is no table: joints, landmarks, cameras and masks of every frame, and who and what the scene is made
of."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.storage import atomic_write
from onlooker.world.pose import BONES, JOINTS
from onlooker.world.truth import FrameTruth
from onlooker.world.world import World

WORLD, POSES, MASKS = "world.json", "poses.npz", "masks.npz"


class PoseLog:
    """Collects frames and writes `poses.npz` and `masks.npz`.

    Poses: `time` (frame,), `shot` (frame,), `K` `R` (frame, 3, 3), `t` (frame, 3), `joints` (frame, person, joint,
    3) pixels and depth, `joints_3d` (frame, person, joint, 3) metres, `landmarks` (frame, person, 68, 3),
    `expression` (frame, person, 4), `order` (frame, instance) near to far. Masks: `size` (2,), `frame` (run,),
    `start` (run,), `length` (run,), `instance` (run,): runs of one instance in row order.
    """

    def __init__(self) -> None:
        self._frames: list[dict[str, Any]] = []
        self._runs: list[NDArray[np.int32]] = []
        self._size = (0, 0)

    def add(self, truth: FrameTruth) -> None:
        """Note one frame."""
        people = truth.people
        self._frames.append(
            {
                "time": np.float64(truth.time),
                "shot": np.int32(truth.shot),
                "K": truth.camera.K,
                "R": truth.camera.R,
                "t": truth.camera.t,
                "joints": np.array([p.joints for p in people], np.float32).reshape(-1, len(JOINTS), 3),
                "joints_3d": np.array([p.joints_3d for p in people], np.float32).reshape(-1, len(JOINTS), 3),
                "landmarks": np.array([p.landmarks for p in people], np.float32).reshape(-1, 68, 3),
                "expression": np.array([p.expression for p in people], np.float32).reshape(-1, 4),
                "order": np.array(truth.order, np.int32),
            }
        )
        self._size = truth.instances.shape
        self._runs.append(_runs(truth.instances, len(self._frames) - 1))

    def write(self, folder: Path) -> None:
        """Write both files."""
        poses = {name: np.stack([frame[name] for frame in self._frames]) for name in self._frames[0]}
        runs = np.concatenate(self._runs) if self._runs else np.zeros((0, 4), np.int32)
        columns = dict(zip(("frame", "start", "length", "instance"), runs.T, strict=True))
        _save(folder / POSES, poses)
        _save(folder / MASKS, {"size": np.array(self._size, np.int32), **columns})


def _runs(instances: NDArray[np.uint16], frame: int) -> NDArray[np.int32]:
    flat = instances.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.append(starts, flat.size))
    rows = np.stack([np.full(len(starts), frame), starts, lengths, flat[starts]], -1)
    return rows[rows[:, 3] > 0].astype(np.int32)


def read_mask(folder: str | Path, frame: int) -> NDArray[np.uint16]:
    """The instances (h, w) of one frame from a folder that `render` wrote."""
    with np.load(Path(folder) / MASKS, allow_pickle=False) as data:
        out = np.zeros(tuple(data["size"].tolist()), np.uint16)
        rows = data["frame"] == frame
        flat = out.reshape(-1)
        for start, length, instance in zip(
            data["start"][rows], data["length"][rows], data["instance"][rows], strict=True
        ):
            flat[start : start + length] = instance
    return out


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    atomic_write(path, buffer.getvalue())


def write_world(world: World, folder: Path) -> None:
    """`world.json`: arguments, who plays (body, outfit, face attributes), things, acts, steps, sounds and shots."""
    scene = world.scene
    content = {
        "configuration": world.configuration,
        "joints": list(JOINTS),
        "bones": [list(bone) for bone in BONES],
        "people": [
            {
                "track_id": performer.index,
                "instance": performer.index + 1,
                "body": asdict(performer.body),
                "outfit": asdict(performer.outfit),
                "acts": [asdict(act) for act in performer.role.acts],
            }
            for performer in scene.performers
        ],
        "things": [asdict(thing) for thing in scene.script.things],
        "leaves": [asdict(leaf) for leaf in scene.script.leaves],
        "steps": [asdict(step) for step in scene.script.steps],
        "noises": [asdict(noise) for noise in scene.script.noises],
        "shots": [{"start": s.start, "end": s.end, "kind": s.kind, "moving": s.moving} for s in world.shots],
        "captions": [asdict(caption) for caption in world.captions()],
        "light": asdict(world.light),
    }
    atomic_write(folder / WORLD, json.dumps(content, indent=1, allow_nan=False).encode())
