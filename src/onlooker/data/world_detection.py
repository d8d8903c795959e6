"""Single frames of the procedural world with the box and the silhouette of everybody in them, for training detectors.

Scenes are drawn by seed: stage, cast, camera, light, weather and size of the picture. Splits share no seed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.records.jsonsafe import canonical_json
from onlooker.storage import atomic_write
from onlooker.world.dataset import SPLITS
from onlooker.world.edition import edition
from onlooker.world.light import LIGHTS
from onlooker.world.seeds import child_seed, generator
from onlooker.world.stages import STAGES
from onlooker.world.world import World

# how often each camera films; the eyes of a person see too little of others
CAMERAS = (("static", 0.42), ("shake", 0.12), ("pan", 0.1), ("orbit", 0.16), ("near", 0.1), ("cuts", 0.1))
WEATHERS = (("clear", 0.7), ("rain", 0.1), ("snow", 0.1), ("fog", 0.1))
SCRIPTS = ((None, 0.5), ("walkers", 0.3), ("encounters", 0.2))
WIDTHS = (320, 400, 480, 560, 640)
SHAPES = ((9 / 16, 0.55), (3 / 4, 0.35), (4 / 3, 0.1))
SECONDS = 30  # one frame a second is computed in one go by the world
PEOPLE = 9  # at most


@dataclass(frozen=True, slots=True)
class Frame:
    """`image` uint8 RGB (height, width, 3); `who` uint8 (height, width): 0 for nobody, i + 1 for person i.

    `boxes` (n, 4) xyxy pixels: everybody's whole extent, behind others too, cut at the picture's edge; `visible` (n,)
    the share of the silhouette that nothing hides.
    """

    image: NDArray[np.uint8]
    who: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    visible: NDArray[np.float32]
    name: str


class WorldFrames:
    """A map-style dataset of `scenes` times `per_scene` frames; item `i` is the same on every machine.

    With `cache` (a folder) a scene is rendered once. Errors: ConfigError for an unknown split or stage.

    >>> frames = WorldFrames("train", scenes=2, per_scene=2, widths=(64,))
    >>> len(frames), frames[3].image.shape[1]
    (4, 64)
    """

    def __init__(
        self,
        split: str,
        scenes: int,
        *,
        per_scene: int = 6,
        stages: tuple[str, ...] = tuple(STAGES),
        widths: tuple[int, ...] = WIDTHS,
        seed: int = 0,
        cache: str | Path | None = None,
    ) -> None:
        unknown = [name for name in stages if name not in STAGES]
        if split not in SPLITS or unknown or not stages:
            raise ConfigError(
                f"split {split!r}, stages {unknown or stages}: a split is one of {', '.join(SPLITS)}, stages are among "
                f"{', '.join(STAGES)}."
            )
        if scenes < 1 or not 1 <= per_scene <= SECONDS:
            raise ConfigError(f"{scenes} scenes of {per_scene} frames: at least one, at most {SECONDS} frames a scene.")
        self.split, self.scenes, self.per_scene = split, scenes, per_scene
        self._stages, self._widths, self._seed = stages, widths, seed
        self._cache = None if cache is None else Path(cache)

    def __len__(self) -> int:
        return self.scenes * self.per_scene

    def seed_of(self, index: int) -> int:
        """The seed of an item's scene; its last decimal digit tells the split."""
        scene = index // self.per_scene
        return child_seed(self._seed, "people", self.split, scene) // 10 * 10 + SPLITS.index(self.split)

    def name(self, index: int) -> str:
        """What tells the frame from all others."""
        return f"world:{self.seed_of(index)}:{index % self.per_scene}"

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        arguments = draw_scene(self.seed_of(index), self._stages, self._widths)
        number = index % self.per_scene
        if self._cache is None:
            return _render(arguments, self.per_scene, (number,))[0]
        return self._cached(arguments, index)

    def _cached(self, arguments: dict[str, Any], index: int) -> Frame:
        assert self._cache is not None
        number = index % self.per_scene
        said = arguments | {"size": list(arguments["size"]), "edition": edition(), "frames": self.per_scene}
        key = sha256(canonical_json(said).encode()).hexdigest()
        stem = self._cache / f"people-{key[:2]}" / key
        if not _files(stem, number)[1].is_file():
            os.makedirs(stem.parent, exist_ok=True)
            for other, frame in enumerate(_render(arguments, self.per_scene, range(self.per_scene))):
                people = np.column_stack([frame.boxes, frame.visible])
                pixels_path, people_path = _files(stem, other)
                _store(pixels_path, np.dstack([frame.image, frame.who]))
                _store(people_path, people)
        pixels, people = (np.load(path, allow_pickle=False) for path in _files(stem, number))
        image, who = np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])
        return Frame(image, who, np.ascontiguousarray(people[:, :4]), people[:, 4].copy(), self.name(index))


def _files(stem: Path, number: int) -> tuple[Path, Path]:
    """Where a frame's pixels and people are kept; the people are written last."""
    return Path(f"{stem}-{number}-pixels.npy"), Path(f"{stem}-{number}-people.npy")


def _store(path: Path, array: NDArray[Any]) -> None:
    atomic_write(path, lambda file: np.save(file, array, allow_pickle=False))


def draw_scene(seed: int, stages: tuple[str, ...], widths: tuple[int, ...]) -> dict[str, Any]:
    """The arguments of `World` for a scene: everything about it follows from the seed."""
    rng = generator(seed, "scene")
    stage = stages[int(rng.integers(len(stages)))]
    people = int(rng.integers(1, PEOPLE + 1)) if rng.random() < 0.95 else 0
    camera = str(_weighted(rng, CAMERAS))
    width = widths[int(rng.integers(len(widths)))]
    height = round(width * float(_weighted(rng, SHAPES)) / 2) * 2
    outdoors = stage in ("street", "platform")
    light = LIGHTS[int(rng.integers(len(LIGHTS)))] if outdoors or rng.random() < 0.4 else None
    return {
        "stage": stage,
        "people": people,
        "seconds": SECONDS,
        "seed": seed,
        "size": (width, height),
        "rate": 1.0,
        "script": _weighted(rng, SCRIPTS),
        "camera": "static" if camera == "near" and people == 0 else camera,
        "view": int(rng.integers(64)),
        "light": light,
        "weather": str(_weighted(rng, WEATHERS)) if outdoors else "clear",
    }


def _weighted(rng: np.random.Generator, choices: Any) -> Any:
    values, weights = zip(*choices, strict=True)
    return values[int(rng.choice(len(values), p=weights))]


def _render(arguments: dict[str, Any], per_scene: int, numbers: Any) -> list[Frame]:
    views = len(_stage_views(arguments["stage"], arguments["seed"]))
    world = World(**(arguments | {"view": arguments["view"] % views}))
    moments = np.linspace(0, len(world) - 1, per_scene + 2)[1:-1].round().astype(int)
    return [_frame(world, int(moments[number])) for number in numbers]


def _stage_views(stage: str, place: int) -> Any:
    from onlooker.world.stages import build_stage

    return build_stage(stage, place).views


def _frame(world: World, index: int) -> Frame:
    image, truth = world.frame(index)
    width, height = world.size
    who = np.zeros((height, width), np.uint8)
    boxes, visible = [], []
    for person in truth.people:
        if person.full_box is None or not person.extent.inside:
            continue
        x1, y1, x2, y2 = person.full_box
        box = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
        if box[2] - box[0] < 2 or box[3] - box[1] < 4:
            continue
        boxes.append(box)
        visible.append(person.visible)
        who[truth.instances == person.extent.instance] = len(boxes)
    return Frame(
        np.ascontiguousarray(image),
        who,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(visible, np.float32),
        f"{world.seed}-{index}",
    )
