"""Scripts keep their promises: captions tell what is scripted, procedures keep their order, memory is needed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from onlooker.errors import ConfigError
from onlooker.world import World
from onlooker.world.actions import ACTIONS
from onlooker.world.captions import act_phrase, person
from onlooker.world.holding import holds
from onlooker.world.script import Act, Role, Script, Waypoint
from onlooker.world.scripts.solo import SOLO
from onlooker.world.sound import sound_events
from onlooker.world.things import Thing

TINY = {"size": (64, 64), "rate": 5}


@pytest.mark.parametrize("stage", ["street", "shop", "platform", "room", "film_set"])
def test_captions_tell_the_script(stage: str) -> None:
    world = World(stage=stage, people=4, seconds=20, seed=4, **TINY)
    captions = world.captions()
    levels = [caption.level for caption in captions]
    assert levels.count("whole") == 1
    assert levels.count("scene") == len(world.shots)
    clips = [caption for caption in captions if caption.level == "clip"]
    for performer in world.scene.performers:
        for act in performer.role.acts:
            if not 0 <= act.start < world.seconds:
                continue
            mine = [c for c in clips if c.track_id == performer.index and c.start == act.start]
            assert any(act_phrase(world.scene, act) in c.text for c in mine), act
            assert all(c.text.startswith(person(performer)[0].upper() + person(performer)[1:]) for c in mine)
    for caption in captions:
        assert caption.text.endswith(".")
        assert "{" not in caption.text
        assert 0 <= caption.start < caption.end <= world.seconds + 1e-9


def test_captions_of_a_reversed_world_tell_the_reverse() -> None:
    forward = World(stage="room", people=1, seconds=3, seed=4, script="solo:sit_down", **TINY)
    backward = World(stage="room", people=1, seconds=3, seed=4, script="solo:sit_down", backwards=True, **TINY)
    assert any("sits down" in caption.text for caption in forward.captions())
    assert any("stands up" in caption.text for caption in backward.captions())
    assert not any("sits down" in caption.text for caption in backward.captions())
    (act,) = [row for row in backward.script_tables()["segments"].to_pylist() if row["label"] == "stand_up"]
    (ahead,) = [row for row in forward.script_tables()["segments"].to_pylist() if row["label"] == "sit_down"]
    assert act["start"] == pytest.approx(3 - ahead["end"])


@pytest.mark.parametrize("action", SOLO)
def test_every_action_can_be_played_alone(action: str) -> None:
    world = World(stage="film_set", people=1, seconds=3, seed=6, script=f"solo:{action}", camera="near", **TINY)
    done = {label for _, truth in world.frames() for label in truth.people[0].actions}
    assert action in done
    assert all(truth.people[0].extent.inside or action in ("walk", "run") for _, truth in world.frames())


def test_a_drink_is_made_in_order() -> None:
    world = World(stage="room", people=1, seconds=60, seed=4, **TINY)
    steps = [step for step in world.scene.script.steps if step.level == "step"]
    assert [step.label for step in steps[:4]] == [
        "open the cupboard",
        "take the cup",
        "close the cupboard",
        "put the cup on the table",
    ]
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(steps))


def test_the_end_of_the_hidden_story_depends_on_its_beginning() -> None:
    """Both outcomes occur wherever one looks, so the last act alone does not tell which it is."""
    found: dict[tuple[float, str], int] = {}
    for seed in range(40):
        world = World(stage="film_set", people=2, seconds=24, seed=seed, script="hidden", **TINY)
        step = next(s for s in world.scene.script.steps if s.label in ("find", "miss"))
        assert step.start > world.seconds - 7
        act = next(a for a in world.scene.performers[1].role.acts if a.action == "reach")
        found[(act.place[0], step.label)] = found.get((act.place[0], step.label), 0) + 1
    assert len(found) == 4
    assert min(found.values()) >= 3


def test_correlated_activities_are_correlated() -> None:
    """Applause spreads: given one clap, another follows far more often than by chance."""
    together = alone = 0
    for seed in range(12):
        world = World(stage="film_set", people=4, seconds=40, seed=seed, script="correlated", **TINY)
        claps = [(a.start, p.index) for p in world.scene.performers for a in p.role.acts if a.action == "clap"]
        for start, role in claps:
            answered = any(other != role and abs(time - start) < 1.5 for time, other in claps)
            together, alone = together + answered, alone + (not answered)
    assert together > 3 * alone


def test_what_nobody_can_take_is_refused() -> None:
    thing = Thing("cup", "cup", (1, 2, 3), (0.0, 0.0, 0.0))
    path = (Waypoint(0, 0, 0), Waypoint(9, 0, 0))
    twice = tuple(Act("pick_up", t, t + 1, target="cup", place=(0, 0, 0)) for t in (1.0, 3.0))
    with pytest.raises(ConfigError, match="held already"):
        holds(Script("x", "x", (Role(1, 1, path, twice),), (thing,)))
    put = (Act("put_down", 1, 2, target="cup", place=(0, 0, 0)),)
    with pytest.raises(ConfigError, match="held by nobody"):
        holds(Script("x", "x", (Role(1, 1, path, put),), (thing,)))


def test_the_catalogue_covers_what_bodies_do() -> None:
    wanted = "wave point clap jump sit_down stand_up crouch fall lie roll_over push reach pick_up put_down hand_over"
    assert set(f"{wanted} carry drink open close".split()) <= set(ACTIONS)


@pytest.mark.parametrize(
    ("stage", "kind"), [("street", "step"), ("shop", "voice"), ("room", "creak"), ("platform", "train")]
)
def test_sounds_come_when_things_happen(stage: str, kind: str) -> None:
    """Where a sound begins, the waveform has more energy than just before."""
    world = World(stage=stage, people=3, seconds=24, seed=4, **TINY)
    events = [event for event in sound_events(world.scene, world.seconds) if event.kind == kind]
    assert events
    sound = world.sound(8000)
    assert sound.samples.dtype == np.float32
    assert sound.samples.shape == (24 * 8000, 2)
    assert np.abs(sound.samples).max() <= 1


def test_steps_sound_when_heels_strike() -> None:
    world = World(stage="film_set", people=1, seconds=4, seed=4, script="solo:walk", **TINY)
    strikes = [event.start for event in sound_events(world.scene, 4.0) if event.kind == "step"]
    assert len(strikes) >= 4
    assert 0.35 < np.median(np.diff(strikes)) < 0.8
    samples = np.abs(world.sound(16000).samples).sum(1)
    for time in strikes:
        after = samples[int(time * 16000) : int((time + 0.05) * 16000)].max(initial=0)
        before = samples[int((time - 0.08) * 16000) : int((time - 0.01) * 16000)].max(initial=1e-9)
        assert after > 3 * before
