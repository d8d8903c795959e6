"""How cameras stand and move: fixed, shaking, panning, in orbit, at the eyes of a person, and lists of shots with
cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from onlooker.errors import ConfigError
from onlooker.world.camera import Camera, look_at
from onlooker.world.geometry import Floats
from onlooker.world.scenery import Stage, View
from onlooker.world.seeds import generator

Size = tuple[int, int]
Rig = Callable[[float], Camera]
# eyes and the point they look at for a role at a time
Eyes = Callable[[int, float], tuple[Floats, Floats]]

CAMERAS = ("static", "shake", "pan", "orbit", "near", "first_person", "cuts")


@dataclass(frozen=True, slots=True)
class Shot:
    """From `start` to `end` seconds the picture comes from one rig; `moving` says whether the camera moves within
    it."""

    start: float
    end: float
    kind: str
    rig: Rig
    moving: bool


def fixed_rig(view: View, size: Size) -> Rig:
    """A camera on a tripod."""
    camera = look_at(view.position, view.target, size=size, fov=view.fov)
    return lambda time: camera


def shaking_rig(view: View, size: Size, seed: int, amount: float = 1.0) -> Rig:
    """A camera in the hand: a few centimetres and a degree or so, at up to some hertz."""
    rng = generator(seed, "shake")
    rates, phases = rng.uniform(0.4, 3.6, (5, 4)), rng.uniform(0, 2 * np.pi, (5, 4))
    sizes = amount * np.array([0.02, 0.02, 0.05, 0.05, 0.008])[:, None] / (0.6 + rates / 2)

    def rig(time: float) -> Camera:
        x, z, side, up, roll = (sizes * np.sin(2 * np.pi * rates * time + phases)).sum(1).tolist()
        eye = np.array(view.position) + np.array([x, 0.0, z])
        return look_at(eye, np.array(view.target) + np.array([4 * side, 0, 4 * up]), size=size, fov=view.fov, roll=roll)

    return rig


def panning_rig(view: View, size: Size, seconds: float, seed: int) -> Rig:
    """A camera that turns slowly to and fro over a third of its view."""
    rng = generator(seed, "pan")
    period = float(rng.uniform(0.8, 1.3)) * max(seconds, 6.0)
    phase = float(rng.uniform(0, 2 * np.pi))
    reach = np.radians(view.fov) * 0.3
    eye = np.array(view.position)
    ahead = np.array(view.target) - eye

    def rig(time: float) -> Camera:
        angle = reach * np.sin(2 * np.pi * time / period + phase)
        c, s = np.cos(angle), np.sin(angle)
        turned = np.array([c * ahead[0] - s * ahead[1], s * ahead[0] + c * ahead[1], ahead[2]])
        return look_at(eye, eye + turned, size=size, fov=view.fov)

    return rig


def orbit_rig(view: View, size: Size, seconds: float, seed: int) -> Rig:
    """A camera that swings around the stage's middle on an arc of up to a hundred degrees."""
    rng = generator(seed, "orbit")
    target = np.array(view.target)
    offset = np.array(view.position) - target
    radius = float(np.hypot(offset[0], offset[1]))
    middle = float(np.arctan2(offset[1], offset[0]))
    way = 1.0 if rng.random() < 0.5 else -1.0

    def rig(time: float) -> Camera:
        angle = middle + way * np.radians(50) * np.sin(np.pi * (time / max(seconds, 1.0) - 0.5))
        eye = target + np.array([radius * np.cos(angle), radius * np.sin(angle), offset[2]])
        return look_at(eye, target, size=size, fov=view.fov)

    return rig


def eye_rig(eyes: Eyes, role: int, size: Size, fov: float = 84.0) -> Rig:
    """What a person of the scene sees."""

    def rig(time: float) -> Camera:
        eye, ahead = eyes(role, time)
        return look_at(eye, ahead, size=size, fov=fov)

    return rig


def close_up_rig(eyes: Eyes, role: int, size: Size, at: float, distance: float, side: float) -> Rig:
    """A fixed camera on somebody's face as it is at time `at`, from `distance` metres, `side` radians off its front."""
    eye, ahead = eyes(role, at)
    front = ahead - eye
    angle = float(np.arctan2(front[1], front[0])) + side
    position = eye + distance * np.array([np.cos(angle), np.sin(angle), 0.05])
    camera = look_at(position, eye - np.array([0, 0, 0.12]), size=size, fov=34)
    return lambda time: camera


def near_rig(eyes: Eyes, size: Size, seconds: float, seed: int) -> Rig:
    """A fixed camera that has the first person, as he or she is half-way, large in the picture, from the front or
    the side."""
    rng = generator(seed, "near")
    eye, _ = eyes(0, seconds / 2)
    angle = -np.pi / 2 + float(rng.uniform(-1.0, 1.0))
    reach = float(rng.uniform(4.0, 4.8))
    target = np.array([eye[0], eye[1], 0.72])
    position = target + np.array([reach * np.cos(angle), reach * np.sin(angle), float(rng.uniform(0.2, 1.1))])
    camera = look_at(position, target, size=size, fov=34.0 * max(size[0] / size[1], 1.0))
    return lambda time: camera


def make_shots(
    kind: str, stage: Stage, size: Size, seconds: float, seed: int, view: int, eyes: Eyes, people: int
) -> list[Shot]:
    """The shots of a camera by name (one of `CAMERAS`); `view` chooses among the stage's views. Errors: ConfigError."""
    if kind not in CAMERAS:
        raise ConfigError(f"unknown camera {kind!r}: choose one of {', '.join(CAMERAS)}.")
    if not 0 <= view < len(stage.views):
        raise ConfigError(f"stage {stage.name!r} has views 0 to {len(stage.views) - 1}, not {view}.")
    if kind == "cuts":
        return _cuts(stage, size, seconds, seed, eyes, people)
    here = stage.views[view]
    if kind in ("near", "first_person") and not people:
        raise ConfigError(f"camera {kind!r} needs somebody: people must be at least 1.")
    rigs: dict[str, Callable[[], Rig]] = {
        "static": lambda: fixed_rig(here, size),
        "shake": lambda: shaking_rig(here, size, seed),
        "pan": lambda: panning_rig(here, size, seconds, seed),
        "orbit": lambda: orbit_rig(here, size, seconds, seed),
        "near": lambda: near_rig(eyes, size, seconds, seed),
        "first_person": lambda: eye_rig(eyes, 0, size),
    }
    return [Shot(0.0, seconds, kind, rigs[kind](), kind not in ("static", "near"))]


def _cuts(stage: Stage, size: Size, seconds: float, seed: int, eyes: Eyes, people: int) -> list[Shot]:
    """Shots of two to six seconds from changing places, as a film is cut; no view twice in a row."""
    rng = generator(seed, "cuts")
    shots: list[Shot] = []
    now, last = 0.0, ""
    while now < seconds:
        end = min(now + float(rng.uniform(2.0, 6.0)), seconds)
        if seconds - end < 1.0:
            end = seconds
        kinds = [f"view {index}" for index in range(len(stage.views))] + [
            f"close-up {index}" for index in range(people)
        ]
        kind = kinds[int(rng.integers(len(kinds)))]
        if kind == last:
            continue
        number = int(kind.split()[1])
        if kind.startswith("close-up"):
            rig = close_up_rig(
                eyes, number, size, (now + end) / 2, float(rng.uniform(1.4, 2.6)), float(rng.uniform(-0.7, 0.7))
            )
            shots.append(Shot(now, end, kind, rig, False))
        elif rng.random() < 0.25:
            shots.append(
                Shot(now, end, f"{kind} shake", shaking_rig(stage.views[number], size, seed + len(shots)), True)
            )
        else:
            shots.append(Shot(now, end, kind, fixed_rig(stage.views[number], size), False))
        now, last = end, kind
    return shots
