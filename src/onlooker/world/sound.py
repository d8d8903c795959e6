"""Sound in time with the picture: who makes which noise when, and how it reaches the camera's microphones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onlooker.video.sound import Sound
from onlooker.world import noises
from onlooker.world.camera import Camera
from onlooker.world.geometry import Floats
from onlooker.world.motions import jumps, make_style, mouth_opening
from onlooker.world.reaching import clap_phase
from onlooker.world.rigs import Shot
from onlooker.world.scene import Scene
from onlooker.world.scenery import Stage
from onlooker.world.script import Act
from onlooker.world.seeds import generator
from onlooker.world.things import KINDS

Where = Callable[[float], tuple[float, float, float]]
_LOUDNESS = {"step": 0.16, "clap": 0.5, "voice": 0.30, "thud": 0.45, "cry": 0.35, "train": 0.5, "alarm": 0.35}


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A sound at its source: `kind`, start and end in seconds, where it is (3,), and who makes it (None: nobody)."""

    kind: str
    start: float
    end: float
    place: tuple[float, float, float]
    role: int | None = None
    seed: int = 0


def sound_events(scene: Scene, seconds: float) -> list[SoundEvent]:
    """Everything that can be heard, in order of time."""
    events = []
    for performer in scene.performers:
        place = _place_of(scene, performer.index)
        if performer.body.kind != "baby":
            strikes = performer.strikes(seconds)
            events += [
                SoundEvent("step", t, t + 0.15, place(t), performer.index, performer.body.identity % 7)
                for t, _ in strikes
            ]
        for act in performer.role.acts:
            events += _of_act(act, performer.index, performer.body.identity, place)
    for event in scene.events:
        kind = next(thing.kind for thing in scene.script.things if thing.name == event.thing)
        if event.kind == "put":
            events.append(SoundEvent(KINDS[kind].sound, event.time, event.time + 0.4, event.place, event.role))
    events += [SoundEvent(noise.kind, noise.start, noise.end, noise.place) for noise in scene.script.noises]
    return sorted((e for e in events if 0 <= e.start < seconds), key=lambda e: (e.start, e.kind, e.role or 0))


def _place_of(scene: Scene, role: int) -> Where:
    performer = scene.performers[role]

    def place(time: float) -> tuple[float, float, float]:
        x, y = performer.place(np.array([time]))[0].tolist()
        return x, y, 0.1

    return place


def _of_act(act: Act, role: int, identity: int, place: Where) -> list[SoundEvent]:
    x, y, _ = place(act.start)
    match act.action:
        case "talk" | "phone":
            return [SoundEvent("voice", act.start, act.end, (x, y, 1.6), role, identity)]
        case "clap":
            u = np.linspace(0, 1, 2000)
            phase = clap_phase(act, identity, u)
            meets = u[1:][np.diff(np.floor(phase)) > 0]
            inside = [t for t in meets.tolist() if 0.15 < t < 0.85]
            times = [act.start + t * (act.end - act.start) for t in inside]
            return [SoundEvent("clap", t, t + 0.12, (x, y, 1.3), role) for t in times]
        case "jump":
            jerk = make_style(identity, act.hand, act.action, round(act.start * 1000)).jerk
            count = jumps(1.6 * act.speed * jerk * (act.end - act.start))
            lands = [act.start + (n + 0.70) / count * (act.end - act.start) for n in range(count)]
            return [SoundEvent("thud", t, t + 0.3, (x, y, 0.0), role) for t in lands]
        case "fall":
            t = act.start + 0.8 * (act.end - act.start)
            return [SoundEvent("thud", t, t + 0.3, (x, y, 0.0), role)]
        case "open" | "close":
            t = act.start + (0.36 if act.action == "open" else 0.66) * (act.end - act.start)
            return [SoundEvent("creak" if act.action == "open" else "click", t, t + 0.4, (x, y, 1.2), role)]
        case "pour":
            t = act.contact
            return [SoundEvent("pour", t - 0.5, t + 0.7, (x, y, 1.0), role)]
    return []


def render_sound(
    scene: Scene, stage: Stage, shots: Sequence[Shot], seconds: float, rate: int, seed: int, backwards: bool
) -> Sound:
    """Stereo float32 in [-1, 1]: louder when near, from the side where it is in the picture."""
    samples = np.zeros((int(np.ceil(seconds * rate)), 2))
    for number, event in enumerate(sound_events(scene, seconds)):
        wave = _wave(scene, event, rate, seed + number)
        shot = next((shot for shot in shots if shot.start <= event.start < shot.end), shots[-1])
        left, right = _ears(shot.rig(event.start), event.place)
        first = round(event.start * rate)
        wave = wave[: max(len(samples) - first, 0)] * _LOUDNESS.get(event.kind, 0.3)
        samples[first : first + len(wave), 0] += left * wave
        samples[first : first + len(wave), 1] += right * wave
    samples += noises.ambience(stage.background, len(samples), rate, seed)[:, None]
    samples = np.tanh(samples)
    if backwards:
        samples = samples[::-1]
    return Sound(np.ascontiguousarray(samples, np.float32), rate, 0.0, np.ones(len(samples), np.bool_))


def _ears(camera: Camera, place: tuple[float, float, float]) -> tuple[float, float]:
    x, y, z = camera.to_camera(np.array(place)).tolist()
    distance = float(np.sqrt(x * x + y * y + z * z))
    side = x / max(distance, 1e-6)
    gain = 3.0 / max(distance, 1.5)
    return gain * float(np.sqrt(0.5 * (1 - 0.8 * side))), gain * float(np.sqrt(0.5 * (1 + 0.8 * side)))


def _wave(scene: Scene, event: SoundEvent, rate: int, seed: int) -> Floats:
    rng = generator(seed, "sound", event.kind)
    if event.kind != "voice" or event.role is None:
        return noises.NOISES[event.kind](rng, event.end - event.start, rate)
    performer = scene.performers[event.role]
    act = next(a for a in performer.role.acts if a.start == event.start and a.action in ("talk", "phone"))
    style = make_style(performer.body.identity, act.hand, act.action, round(act.start * 1000))
    u = np.linspace(0, 1, round((act.end - act.start) * rate), endpoint=False)
    cycles = 1.6 * act.speed * style.jerk * (act.end - act.start)
    return noises.voice(
        generator(event.seed, "voice"), mouth_opening(u, cycles, style.phase), performer.body.voice, rate
    )
