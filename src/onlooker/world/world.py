"""The world: a scene from a seed, rendered frame by frame with everything that is true about it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from onlooker.errors import ConfigError
from onlooker.video.sound import Sound
from onlooker.world.backdrop import Backdrop
from onlooker.world.camera import Camera
from onlooker.world.canvas import Canvas, Image
from onlooker.world.captions import Caption, write_captions
from onlooker.world.figure import Figure, paint_figure
from onlooker.world.geometry import Floats
from onlooker.world.light import LIGHTS, WEATHERS, make_light
from onlooker.world.observe import extent_of, person_truth, relations, thing_truth
from onlooker.world.rigs import Shot, make_shots
from onlooker.world.routes import around_furniture
from onlooker.world.scene import PROPS, Moment, Scene
from onlooker.world.scripts import write_script
from onlooker.world.scripts.cast import make_cast
from onlooker.world.shadows import paint_shadows
from onlooker.world.sound import render_sound
from onlooker.world.stages import build_stage
from onlooker.world.tables import Tabulator, script_tables
from onlooker.world.truth import FrameTruth
from onlooker.world.weather import Sensor

_CHUNK = 32  # frames computed together; fixed, so that any order of access gives the same bytes
# parts of one's own body that eyes see
_OWN = ("arm", "palm", "sleeve", "thigh", "calf", "shin", "heel", "toe")


class World:
    """A scene with exact ground truth, the same bytes for the same arguments on every run.

    `stage` is a name in `stages.STAGES`; `size` (width, height); `rate` frames per second; `script` a name (None:
    the stage's own; "solo:wave" one action); `camera` a name in `rigs.CAMERAS`, standing at the stage's view number
    `view`; `light` and `weather` names of `light`; `place` the seed of the place (default: from `seed`), so that a
    place can be visited again; `identities` and `outfits` seeds of the first roles; `backwards` plays everything in
    reverse. Errors: ConfigError.

    >>> world = World(stage="street", people=2, seconds=1.0, seed=7, size=(64, 64), rate=5)
    >>> image, truth = world.frame(3)
    >>> image.shape, len(truth.people), round(truth.time, 3)
    ((64, 64, 3), 2, 0.6)
    """

    def __init__(
        self,
        stage: str = "street",
        people: int = 5,
        seconds: float = 30.0,
        seed: int = 7,
        size: tuple[int, int] = (640, 360),
        rate: float = 15.0,
        *,
        script: str | None = None,
        camera: str = "static",
        view: int = 0,
        light: str | None = None,
        weather: str = "clear",
        place: int | None = None,
        identities: Sequence[int] | None = None,
        outfits: Sequence[int] | None = None,
        backwards: bool = False,
    ) -> None:
        self.configuration: dict[str, Any] = {
            **{"stage": stage, "people": people, "seconds": seconds, "seed": seed, "size": list(size), "rate": rate},
            **{"script": script, "camera": camera, "view": view, "light": light, "weather": weather, "place": place},
            **{"identities": list(identities or ()), "outfits": list(outfits or ()), "backwards": backwards},
        }
        _check(people, seconds, size, rate, light, weather)
        self.seed, self.seconds, self.size, self.rate, self.backwards = seed, float(seconds), size, rate, backwards
        self.place = seed if place is None else place
        self.stage = build_stage(stage, self.place)
        cast = make_cast(seed, people, identities, outfits)
        written = write_script(script, self.stage, cast, self.seconds, seed)
        self.scene = Scene(around_furniture(written, self.stage.props), self.seconds)
        self.light = make_light(light or ("indoor" if self.stage.indoors else "day"), weather, seed)
        ids = {i: PROPS + i for i, prop in enumerate(self.stage.props) if prop.label}
        self._backdrop = Backdrop(self.stage, self.light, ids)
        self._sensor = Sensor(self.light, size, seed)
        self._aim(camera, view)

    def _aim(self, camera: str, view: int) -> None:
        people = len(self.scene.performers)
        self.camera, self.view = camera, view
        self.shots: list[Shot] = make_shots(
            camera, self.stage, self.size, self.seconds, self.seed, view, self.scene.eyes, people
        )
        self._backdrops: dict[int, Canvas] = {}
        self._moment: tuple[int, Moment] | None = None

    def through(self, camera: str = "static", view: int = 0) -> World:
        """The same happening through another camera, for several cameras at once."""
        other = copy.copy(self)
        other.configuration = self.configuration | {"camera": camera, "view": view}
        other._aim(camera, view)
        return other

    def __len__(self) -> int:
        return max(round(self.seconds * self.rate), 1)

    def times(self) -> Floats:
        """Seconds of every frame."""
        return np.arange(len(self)) / self.rate

    def frames(self) -> Iterator[tuple[Image, FrameTruth]]:
        """Every frame: image uint8 RGB (height, width, 3) and its truth."""
        for index in range(len(self)):
            yield self.frame(index)

    def shot_at(self, index: int) -> int:
        """The number of the shot that a frame belongs to."""
        time = self._source(index) / self.rate
        number = next((n for n, shot in enumerate(self.shots) if shot.start <= time < shot.end), len(self.shots) - 1)
        return len(self.shots) - 1 - number if self.backwards else number

    def camera_at(self, index: int) -> Camera:
        """The calibrated camera of one frame."""
        return self._camera(self._source(index))

    def frame(self, index: int) -> tuple[Image, FrameTruth]:
        """One frame by index; any order of access gives the same bytes. Errors: IndexError."""
        source = self._source(index)
        moment = self._frames_around(source // _CHUNK)
        at = source % _CHUNK
        camera = self._camera(source)
        canvas = self._background(source, camera)
        paint_shadows(canvas, camera, [skeleton.joints[at] for skeleton in moment.skeletons], self.light)
        order = sorted(range(len(moment.figures)), key=lambda i: -moment.figures[i].distance[at])
        seen = {i: paint_figure(canvas, moment.figures[i], at, self.light) for i in order}
        image = self._sensor.expose(canvas.image, source, source / self.rate)
        extents = [extent_of(figure, at, canvas, seen[i]) for i, figure in enumerate(moment.figures)]
        count = len(self.scene.performers)
        people = tuple(person_truth(self.scene, moment, i, at, camera, extents[i]) for i in range(count))
        things = thing_truth(self.scene, moment, at, extents[count:])
        return image, FrameTruth(
            index=index,
            time=index / self.rate,
            shot=self.shot_at(index),
            camera=camera,
            instances=canvas.instances,
            people=people,
            things=things,
            relations=relations(self.scene, people, things, source / self.rate),
            order=tuple(moment.figures[i].instance for i in reversed(order)),
        )

    def sound(self, rate: int = 16000) -> Sound:
        """Stereo sound in time with the picture: steps, claps, voices, things put down, the place's own noise."""
        return render_sound(self.scene, self.stage, self.shots, self.seconds, rate, self.seed, self.backwards)

    def captions(self) -> list[Caption]:
        """Sentences at three granularities: "clip" for every act, "scene" for every shot, "whole"."""
        return write_captions(self)

    def truth_tables(self, video: str = "world.mp4") -> dict[str, pa.Table]:
        """The truth in the schemas of `records`, by table name; rows say that they speak of `video`. Renders every
        frame.

        `tracks` has a row for everybody with any part in the picture: the whole extent cut at the picture's edge,
        `score` the visible share of it, `observed` false where less than a tenth is visible.
        """
        rows = Tabulator(video, self.size)
        for _, truth in self.frames():
            rows.add(truth)
        return rows.tables() | self.script_tables(video)

    def script_tables(self, video: str = "world.mp4") -> dict[str, pa.Table]:
        """The part of `truth_tables` that is known without rendering: segments, identities, events, shots, captions."""
        return script_tables(self, video)

    def _source(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return len(self) - 1 - index if self.backwards else index

    def _shot(self, source: int) -> int:
        time = source / self.rate
        return next((n for n, shot in enumerate(self.shots) if shot.start <= time < shot.end), len(self.shots) - 1)

    def _camera(self, source: int) -> Camera:
        return self.shots[self._shot(source)].rig(source / self.rate)

    def _background(self, source: int, camera: Camera) -> Canvas:
        number = self._shot(source)
        if self.shots[number].moving:
            return self._backdrop.paint(camera, 1)
        if number not in self._backdrops:
            if len(self._backdrops) >= 4:  # bounded: a long film has many shots
                self._backdrops.pop(next(iter(self._backdrops)))
            self._backdrops[number] = self._backdrop.paint(camera, 2)
        return self._backdrops[number].copy()

    def _frames_around(self, chunk: int) -> Moment:
        if self._moment is None or self._moment[0] != chunk:
            sources = range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(self)))
            times = np.array([source / self.rate for source in sources])
            moment = self.scene.moment(times, [self._camera(source) for source in sources], self.light)
            if self.camera == "first_person":
                _behead(moment.figures[0], self.scene.performers[0].table.names)
            self._moment = (chunk, moment)
        return self._moment[1]


def _behead(figure: Figure, names: Sequence[str]) -> None:
    """Leave of one's own body what one's eyes see."""
    figure.present[:] &= np.array([any(word in name for word in _OWN) for name in names])


def _check(people: int, seconds: float, size: tuple[int, int], rate: float, light: str | None, weather: str) -> None:
    if not (0 <= people <= 64 and 0 < seconds <= 86400 and 0 < rate <= 240 and min(size) >= 32 and max(size) <= 4096):
        raise ConfigError(
            f"a world of {people} people, {seconds} s, size {size} at {rate} frames/s cannot be made: "
            "0 to 64 people, up to a day, 32 to 4096 pixels a side, up to 240 frames/s."
        )
    if light is not None and light not in LIGHTS:
        raise ConfigError(f"unknown light {light!r}: choose one of {', '.join(LIGHTS)}.")
    if weather not in WEATHERS:
        raise ConfigError(f"unknown weather {weather!r}: choose one of {', '.join(WEATHERS)}.")
