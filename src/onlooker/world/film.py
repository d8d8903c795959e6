"""Several scenes one after another, joined by cuts, fades or dissolves, with people who come back in later scenes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from onlooker.errors import ConfigError
from onlooker.video.sound import Sound
from onlooker.world.canvas import Image
from onlooker.world.captions import write_film_caption
from onlooker.world.seeds import child_seed, generator
from onlooker.world.tables import SOURCE, Row, table
from onlooker.world.truth import FrameTruth
from onlooker.world.world import World

Join = Literal["cut", "fade", "dissolve"]
JOINS: tuple[Join, ...] = get_args(Join)
CHANGE_SECONDS = 0.6
"""How long a fade to black, a fade from it, or a dissolve takes."""


class Film:
    """Scenes of one size and rate with exact truth about the whole, the same bytes for the same arguments.

    `joins` says how each scene but the first begins. In a dissolve two scenes overlap and the truth is that of the one
    that outweighs; a fade darkens the end of one and brightens the beginning of the next. `track_id` is the same for
    the same identity in every scene. Errors: ConfigError.

    >>> street = World("street", people=1, seconds=2, seed=1, size=(64, 64), rate=5)
    >>> film = Film([street, World("shop", people=1, seconds=2, seed=2, size=(64, 64), rate=5)], ["cut"])
    >>> len(film), film.scene_at(9), film.scene_at(10)
    (20, 0, 1)
    """

    def __init__(self, scenes: Sequence[World], joins: Sequence[Join]) -> None:
        _check(scenes, joins)
        self.scenes, self.joins = tuple(scenes), tuple(joins)
        self.size, self.rate = scenes[0].size, scenes[0].rate
        self.change = min(max(2, round(CHANGE_SECONDS * self.rate)), min(len(scene) for scene in scenes) // 2)
        self.starts, self._from = [0], [0]
        for join, scene in zip(joins, scenes, strict=False):
            end = self.starts[-1] + len(scene)
            overlap = self.change if join == "dissolve" else 0
            self.starts.append(end - overlap)
            self._from.append(end - overlap + (overlap + 1) // 2)
        self.configuration: dict[str, Any] = {
            "scenes": [scene.configuration for scene in scenes],
            "joins": list(joins),
        }

    def __len__(self) -> int:
        return self.starts[-1] + len(self.scenes[-1])

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self) / self.rate

    def scene_at(self, index: int) -> int:
        """The number of the scene that a frame shows (the one that outweighs)."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return max(number for number, start in enumerate(self._from) if start <= index)

    def span(self, number: int) -> tuple[float, float]:
        """From when to when a scene is shown, in seconds."""
        ends = [*self._from[1:], len(self)]
        return self._from[number] / self.rate, ends[number] / self.rate

    @cached_property
    def tracks(self) -> dict[int, int]:
        """The track of each identity, in order of appearance."""
        found: dict[int, int] = {}
        for scene in self.scenes:
            for performer in scene.scene.performers:
                found.setdefault(performer.body.identity, len(found))
        return found

    def frames(self) -> Iterator[tuple[Image, FrameTruth]]:
        """Every frame: image uint8 RGB (height, width, 3) and its truth."""
        for index in range(len(self)):
            yield self.frame(index)

    def frame(self, index: int) -> tuple[Image, FrameTruth]:
        """One frame by index; any order of access gives the same bytes. Errors: IndexError."""
        number = self.scene_at(index)
        image, truth = self.scenes[number].frame(index - self.starts[number])
        for other in (number - 1, number + 1):
            image = self._joined(image, index, number, other)
        return image, self._told(truth, index, number)

    def _joined(self, image: Image, index: int, number: int, other: int) -> Image:
        """The picture of scene `number` where it goes over into its neighbour."""
        later = max(number, other)
        if not 0 <= other < len(self.scenes) or self.joins[later - 1] == "cut":
            return image
        dissolves = self.joins[later - 1] == "dissolve"
        step = index - self.starts[later] + (0 if dissolves or number == later else self.change)
        if not 0 <= step < self.change:
            return image
        weight = (step + 1) / (self.change + 1)
        mine = weight if number == later else 1 - weight
        behind = self.scenes[other].frame(index - self.starts[other])[0] if dissolves else np.zeros_like(image)
        mixed: Image = np.rint(mine * image.astype(np.float32) + (1 - mine) * behind).astype(np.uint8)
        return mixed

    def _told(self, truth: FrameTruth, index: int, number: int) -> FrameTruth:
        """The truth of one scene's frame in the film's frames, seconds, shots and tracks."""
        performers = self.scenes[number].scene.performers
        tracks = {performer.index: self.tracks[performer.body.identity] for performer in performers}
        return replace(
            truth,
            index=index,
            time=index / self.rate,
            shot=truth.shot + sum(len(scene.shots) for scene in self.scenes[:number]),
            people=tuple(replace(person, track_id=tracks[person.track_id]) for person in truth.people),
            things=tuple(
                thing if thing.holder is None else replace(thing, holder=tracks[thing.holder]) for thing in truth.things
            ),
            relations=tuple(
                replace(
                    relation,
                    subject=tracks[relation.subject],
                    other=tracks[relation.other] if isinstance(relation.other, int) else relation.other,
                )
                for relation in truth.relations
            ),
        )

    def sound(self, rate: int = 16000) -> Sound:
        """The scenes' stereo sound; over a change it goes from one to the other."""
        samples = np.zeros((int(np.ceil(self.seconds * rate)), 2), np.float32)
        ramp = np.linspace(0, 1, max(2, round(self.change / self.rate * rate)), dtype=np.float32)[:, None]
        for number, scene in enumerate(self.scenes):
            wave = scene.sound(rate).samples.copy()
            if number and self.joins[number - 1] != "cut":
                wave[: len(ramp)] *= ramp
            if number < len(self.joins) and self.joins[number] != "cut":
                wave[-len(ramp) :] *= ramp[::-1]
            first = round(self.starts[number] / self.rate * rate)
            wave = wave[: len(samples) - first]
            samples[first : first + len(wave)] += wave
        return Sound(samples, rate, 0.0, np.ones(len(samples), np.bool_))

    def script_tables(self, video: str = "film.mp4") -> dict[str, pa.Table]:
        """Segments, identities, events, shots and captions of all scenes in the film's seconds and tracks; a segment
        `scene: <stage>` for each scene, and a caption of the whole."""
        base = {"video": video, "source": SOURCE, "score": 1.0}
        rows: dict[str, list[Row]] = {name: [] for name in ("segments", "identities", "events", "captions")}
        for number, scene in enumerate(self.scenes):
            start, end = self.span(number)
            rows["segments"].append(
                base | {"track_id": None, "start": start, "end": end, "label": f"scene: {scene.stage.name}"}
            )
            found = scene.script_tables(video)
            for name in rows:
                rows[name] += [self._placed(row, number) for row in found[name].to_pylist()]
        rows["captions"].append(
            base | {"track_id": None, "start": 0.0, "end": self.seconds, "text": write_film_caption(self.scenes)}
        )
        rows = {name: sorted(found, key=lambda row: float(row["start"])) for name, found in rows.items()}
        rows["shots"] = [base | row for row in self._shots()]
        return {name: table(name, found) for name, found in rows.items()}

    def _placed(self, row: Row, number: int) -> Row:
        """A row of one scene in the film's seconds, within what is shown of the scene, and in the film's tracks."""
        low, high = self.span(number)
        moved = dict(row)
        for name in ("start", "confirm", "end"):
            if row.get(name) is not None:
                moved[name] = float(np.clip(row[name] + self.starts[number] / self.rate, low, high))
        tracks = [self.tracks[performer.body.identity] for performer in self.scenes[number].scene.performers]
        if row["track_id"] is not None:
            moved["track_id"] = tracks[row["track_id"]]
        if "event_id" in row:
            people = json.loads(row["participants"])
            named = [p | {"track_id": tracks[p["track_id"]]} if "track_id" in p else p for p in people]
            moved |= {"event_id": f"scene{number}-{row['event_id']}", "participants": json.dumps(named)}
        return moved

    def _shots(self) -> list[Row]:
        shots: list[Row] = []
        for number, scene in enumerate(self.scenes):
            low, high = (round(second * self.rate) for second in self.span(number))
            for shot in scene.script_tables()["shots"].to_pylist():
                start = max(low, shot["start_frame"] + self.starts[number])
                end = min(high, shot["end_frame"] + self.starts[number])
                if start >= end:
                    continue
                joined = shot["transition"] if start > low or not number else self.joins[number - 1]
                frames = {"start_frame": start, "end_frame": end, "start": start / self.rate, "end": end / self.rate}
                shots.append({"shot": len(shots), "transition": joined, **frames})
        return shots


def make_film(
    stages: Sequence[str],
    people: int = 4,
    seconds: float = 60.0,
    seed: int = 7,
    size: tuple[int, int] = (640, 360),
    rate: float = 15.0,
    *,
    joins: Sequence[Join] = JOINS,
    camera: str = "cuts",
) -> Film:
    """A film with a scene for each of `stages`, filmed in shots with cuts; half of its people or more are in a scene.

    A stage that comes again is the same place. `joins` are those to choose from by `seed`. Errors: ConfigError.
    """
    if not stages or not joins:
        raise ConfigError("a film needs at least one stage and one kind of join.")
    rng = generator(seed, "film")
    cast = [child_seed(seed, "film identity", role) for role in range(people)]
    outfits = [child_seed(seed, "film outfit", role) for role in range(people)]
    scenes = []
    for number, stage in enumerate(stages):
        roles = sorted(rng.permutation(people)[: int(rng.integers((people + 1) // 2, people + 1))].tolist())
        scenes.append(
            World(
                stage,
                len(roles),
                seconds / len(stages),
                child_seed(seed, "film scene", number),
                size,
                rate,
                camera=camera,
                place=child_seed(seed, "film place", stage),
                identities=[cast[role] for role in roles],
                outfits=[outfits[role] for role in roles],
            )
        )
    return Film(scenes, [joins[int(rng.integers(len(joins)))] for _ in stages[1:]])


def parse_joins(text: str) -> list[Join]:
    """Joins from names with commas. Errors: ConfigError.

    >>> parse_joins("cut,fade")
    ['cut', 'fade']
    """
    found: list[Join] = []
    for word in text.split(","):
        join = next((join for join in JOINS if join == word.strip()), None)
        if join is None:
            raise ConfigError(f"unknown join {word!r}: choose {', '.join(JOINS)}.")
        found.append(join)
    return found


def _check(scenes: Sequence[World], joins: Sequence[Join]) -> None:
    if not scenes or len(joins) != len(scenes) - 1:
        raise ConfigError(f"a film of {len(scenes)} scenes needs a join between each two, not {len(joins)}.")
    if any((scene.size, scene.rate) != (scenes[0].size, scenes[0].rate) for scene in scenes):
        raise ConfigError("the scenes of a film have one size and one rate.")
    if any(len(scene) < 4 for scene in scenes):
        raise ConfigError("a scene of a film has at least four frames.")
