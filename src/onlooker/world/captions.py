"""Captions from a grammar: for every act, for every shot, for the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onlooker.world.actions import ACTIONS, MOVING
from onlooker.world.clothing import article
from onlooker.world.performer import Performer
from onlooker.world.scene import Scene
from onlooker.world.script import Act

if TYPE_CHECKING:
    from onlooker.world.world import World

_PLACE = {
    "street": "in the street",
    "shop": "in a shop",
    "platform": "on a railway platform",
    "room": "in a room",
    "film_set": "on a film set",
}
_LIGHT = {
    "day": "by day",
    "overcast": "under a grey sky",
    "evening": "in the evening",
    "night": "at night",
    "indoor": "",
}
_WEATHER = {"clear": "", "rain": "in the rain", "snow": "in the snow", "fog": "in fog"}


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence on what is seen from `start` to `end`; `level` is clip, scene or whole; `track_id` whom a clip is
    about."""

    level: str
    start: float
    end: float
    text: str
    track_id: int | None = None


def person(performer: Performer) -> str:
    """A noun phrase for somebody, as in "a woman in a red jacket and blue trousers"."""
    body, outfit = performer.body, performer.outfit
    noun = {"adult": body.gender, "child": "girl" if body.gender == "woman" else "boy", "baby": "baby"}[body.kind]
    if body.kind == "baby":
        return f"a baby in {outfit.top_colour}"
    extras = []
    if outfit.hat != "none":
        extras.append(f"{article(outfit.hat_colour)} {outfit.hat_colour} {outfit.hat}")
    if outfit.glasses != "none":
        extras.append(outfit.glasses)
    if outfit.bag != "none":
        extras.append(f"{article(outfit.bag_colour)} {outfit.bag_colour} {outfit.bag}")
    tail = f" with {_listed(extras)}" if extras else ""
    return f"a {noun} in {outfit.describe()}{tail}"


def act_phrase(scene: Scene, act: Act) -> str:
    """The verb phrase of an act, its thing and partner named."""
    phrase = ACTIONS[act.action].phrase
    other = "somebody" if act.partner is None else "a " + scene.performers[act.partner].body.gender
    things = {thing.name: f"{article(thing.noun)} {thing.noun}" for thing in scene.script.things}
    things |= {leaf.name: leaf.noun for leaf in scene.script.leaves}
    return phrase.replace("{thing}", things.get(act.target, "something")).replace("{other}", other)


def write_captions(world: World) -> list[Caption]:
    """All captions of a world in order of level and time; in a world that runs backwards they follow its own time."""
    scene, seconds = world.scene, world.seconds
    found = []
    for performer in scene.performers:
        for start, end, label, act in performer.doings(seconds):
            if label in MOVING or act is not None:
                verb = MOVING[label] if act is None else act_phrase(scene, _reversed(act) if world.backwards else act)
                low, high = (seconds - end, seconds - start) if world.backwards else (start, end)
                found.append(Caption("clip", low, high, _sentence(f"{person(performer)} {verb}"), performer.index))
    place = _setting(world)
    shots = [(seconds - s.end, seconds - s.start) if world.backwards else (s.start, s.end) for s in world.shots]
    clips = sorted(found, key=lambda caption: (caption.start, caption.track_id or 0))
    for start, end in sorted(shots):
        found.append(Caption("scene", start, end, _scene_text(scene, clips, start, end, place)))
    found.append(Caption("whole", 0.0, seconds, _whole_text(world, place)))
    order = {"clip": 0, "scene": 1, "whole": 2}
    return sorted(found, key=lambda caption: (order[caption.level], caption.start, caption.track_id or 0))


def _reversed(act: Act) -> Act:
    other = ACTIONS[act.action].reversed
    return Act(other or act.action, act.start, act.end, act.hand, act.target, act.partner, act.place, act.speed)


def _scene_text(scene: Scene, clips: Sequence[Caption], start: float, end: float, place: str) -> str:
    parts: list[str] = []
    for performer in scene.performers:
        mine = [c for c in clips if c.track_id == performer.index and c.start < end and c.end > start]
        verbs: list[str] = []
        for caption in mine:
            verb = caption.text[len(person(performer)) + 1 : -1]
            if verb not in verbs:
                verbs.append(verb)
        lively = [verb for verb in verbs if verb != "stands"] or verbs
        if lively:
            parts.append(f"{person(performer)} {_listed(lively[:4])}")
    return " ".join(_sentence(part) for part in [f"{_count(len(parts))} {place}", *parts])


def _whole_text(world: World, place: str) -> str:
    steps = [step for step in world.scene.script.steps if step.level == "procedure"]
    names = list(dict.fromkeys(step.label for step in steps))
    told = f" It shows: {_listed(names)}." if names else ""
    script = world.scene.script
    summary = script.backwards if world.backwards and script.backwards else script.summary
    return f"{summary} {_sentence(f'{_count(len(world.scene.performers))} {place}')}{told}"


def write_film_caption(scenes: Sequence[World]) -> str:
    """What a film of several scenes shows, scene by scene."""
    numbers = {1: "one scene", 2: "two scenes", 3: "three scenes", 4: "four scenes", 5: "five scenes"}
    told = " ".join(_whole_text(scene, _setting(scene)) for scene in scenes)
    return f"A film of {numbers.get(len(scenes), f'{len(scenes)} scenes')}. {told}"


def _setting(world: World) -> str:
    words = [_PLACE[world.stage.name], _LIGHT[world.light.name], _WEATHER[world.light.weather]]
    return " ".join(word for word in words if word)


def _count(people: int) -> str:
    names = ("Nobody is", "One person is", "Two people are", "Three people are", "Four people are", "Five people are")
    return names[people] if people < len(names) else f"{people} people are"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
