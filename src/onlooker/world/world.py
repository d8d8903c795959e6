"""The world: a scene from a seed, rendered frame by frame with everything that is true about it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pyarrow as pa

from onlooker.errors import ConfigError
from onlooker.world.backdrop import darken, paint_backdrop
from onlooker.world.camera import Camera, look_at
from onlooker.world.canvas import Canvas, Image
from onlooker.world.figure import Figure, build_figure, paint_figure
from onlooker.world.geometry import Floats
from onlooker.world.light import make_light
from onlooker.world.performer import Performer
from onlooker.world.pose import Skeleton
from onlooker.world.scripts_street import walkers
from onlooker.world.seeds import generator
from onlooker.world.shadows import paint_shadows
from onlooker.world.stages import build_stage
from onlooker.world.strands import View
from onlooker.world.tables import SOURCE, Tabulator, table
from onlooker.world.truth import FrameTruth, PersonTruth, mask_box

_CHUNK = 32  # frames computed together; fixed, so that any order of access gives the same bytes


class World:
    """A scene with exact ground truth, the same bytes for the same arguments on every run.

    `size` is (width, height), `rate` frames per second.

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
    ) -> None:
        if not (0 <= people <= 64 and 0 < seconds <= 86400 and rate > 0 and min(size) >= 32):
            raise ConfigError(
                f"a world of {people} people, {seconds} s, size {size} at {rate} frames/s cannot be made: "
                "0 to 64 people, up to a day, at least 32x32 pixels, a positive rate."
            )
        self.seed, self.seconds, self.size, self.rate = seed, seconds, size, rate
        self.configuration = {"stage": stage, "people": people, "seconds": seconds, "seed": seed, "size": list(size), "rate": rate}
        self.stage = build_stage(stage, seed)
        self.script = walkers(self.stage, people, seconds, seed)
        self.performers = [Performer(role, index, seconds) for index, role in enumerate(self.script.roles)]
        self.light = make_light("day", "clear", seed)
        view = self.stage.views[0]
        self.camera = look_at(view.position, view.target, size=size, fov=view.fov)
        self._backdrop: Canvas | None = None
        self._chunk: tuple[int, list[Figure], list[Skeleton]] | None = None

    def __len__(self) -> int:
        return max(round(self.seconds * self.rate), 1)

    def times(self) -> Floats:
        """Seconds of every frame."""
        return np.arange(len(self)) / self.rate

    def frames(self) -> Iterator[tuple[Image, FrameTruth]]:
        """Every frame: image uint8 RGB (height, width, 3) and its truth."""
        for index in range(len(self)):
            yield self.frame(index)

    def truth_tables(self, video: str = "world.mp4") -> dict[str, pa.Table]:
        """The truth in the schemas of `records`, by table name; rows say that they speak of `video`. Renders every frame.

        `tracks` has a row for everybody with any part in the picture: the whole extent cut at the picture's edge, `score` the
        visible share of it, `observed` false where less than a tenth is visible.
        """
        rows = Tabulator(video, self.size)
        for _, truth in self.frames():
            rows.add(truth)
        return rows.tables() | self.script_tables(video)

    def script_tables(self, video: str = "world.mp4") -> dict[str, pa.Table]:
        """The part of `truth_tables` that is known without rendering: segments and identities."""
        segments = [
            {"video": video, "track_id": performer.index, "start": start, "end": end, "label": label, "score": 1.0, "source": SOURCE}
            for performer in self.performers
            for start, end, label in performer.segments(self.seconds)
        ]
        identities = [
            {
                "video": video,
                "track_id": performer.index,
                "start": 0.0,
                "end": float(self.seconds),
                "identity": str(performer.body.identity),
                "score": 1.0,
                "source": SOURCE,
            }
            for performer in self.performers
        ]
        return {"segments": table("segments", segments), "identities": table("identities", identities)}

    def camera_at(self, index: int) -> Camera:
        """The camera of one frame."""
        return self.camera

    def frame(self, index: int) -> tuple[Image, FrameTruth]:
        """One frame by index; any order gives the same bytes."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        figures, skeletons = self._figures(index // _CHUNK)
        at = index % _CHUNK
        canvas = self._background().copy()
        order = sorted(range(len(figures)), key=lambda i: -figures[i].distance[at])
        camera = self.camera_at(index)
        paint_shadows(canvas, camera, [skeletons[i].joints[at] for i in order], self.light)
        seen = {i: paint_figure(canvas, figures[i], at, self.light) for i in order}
        people = tuple(self._person(i, figures[i], skeletons[i], at, index, canvas, camera, seen[i]) for i in order)
        image = self._sense(canvas.image, index)
        return image, FrameTruth(index, index / self.rate, 0, camera, canvas.instances, people)

    def _background(self) -> Canvas:
        if self._backdrop is None:
            self._backdrop = paint_backdrop(self.stage, self.camera, self.light, {}, 2)
        return self._backdrop

    def _figures(self, chunk: int) -> tuple[list[Figure], list[Skeleton]]:
        if self._chunk is None or self._chunk[0] != chunk:
            indices = np.arange(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(self)))
            view = self._view(indices)
            figures, skeletons = [], []
            for performer in self.performers:
                skeleton, pose = performer.skeleton(indices / self.rate)
                distance = view.to_camera(skeleton.joints[:, :1])[:, 0, 2]
                nearest = max(float(distance[distance > 0.3].min(initial=1e3)), 0.3)
                height = performer.body.height * float(view.K[0, 0, 0]) / nearest
                figures.append(
                    build_figure(performer.index + 1, performer.body, performer.outfit, performer.table, skeleton, pose, view, height)
                )
                skeletons.append(skeleton)
            self._chunk = (chunk, figures, skeletons)
        return self._chunk[1], self._chunk[2]

    def _view(self, indices: np.ndarray) -> View:
        cameras = [self.camera_at(int(index)) for index in indices]
        rotation = np.stack([camera.R for camera in cameras])
        return View(
            np.stack([camera.K for camera in cameras]),
            rotation,
            np.stack([camera.t for camera in cameras]),
            rotation @ self.light.vector,
            self.light.ambient,
            self.light.diffuse,
        )

    def _person(self, i, figure, skeleton, at, index, canvas, camera, seen):  # type: ignore[no-untyped-def]
        performer = self.performers[i]
        box = figure.box[at]
        visible_box, share = None, 0.0
        region, silhouette = seen if seen is not None else (None, None)
        if region is not None:
            x1, y1, x2, y2 = region
            mask = canvas.instances[y1:y2, x1:x2] == i + 1
            visible_box = mask_box(mask, (x1, y1))
            share = float(mask.sum()) / max(int(silhouette.sum()), 1)
        pixels, depth = camera.project(skeleton.joints[at])
        face = figure.face
        time = index / self.rate
        return PersonTruth(
            track_id=i,
            instance=i + 1,
            identity=performer.body.identity,
            visible_box=visible_box,
            full_box=tuple(float(v) for v in box),
            visible=share,
            distance=float(figure.distance[at]),
            joints=np.column_stack([pixels, depth]),
            joints_3d=skeleton.joints[at],
            landmarks=np.column_stack([face.landmarks[at], face.visible[at]]),
            actions=performer.actions(time),
            region=region,
            silhouette=silhouette,
        )

    def _sense(self, image: Image, index: int) -> Image:
        """What the sensor adds: noise, the same for the same frame."""
        height, width = image.shape[:2]
        if not hasattr(self, "_noise"):
            rng = generator(self.seed, "noise")
            field = rng.normal(0, self.light.noise, (height + 64, width + 64)).astype(np.int16)
            self._noise = (np.maximum(field, 0).astype(np.uint8), np.maximum(-field, 0).astype(np.uint8))
        shift = generator(self.seed, "shift", index).integers(0, 64, 2)
        window = (slice(int(shift[0]), int(shift[0]) + height), slice(int(shift[1]), int(shift[1]) + width))
        more, less = (cv2.cvtColor(np.ascontiguousarray(part[window]), cv2.COLOR_GRAY2RGB) for part in self._noise)
        return cv2.subtract(cv2.add(image, more), less)
