"""Single sounds as waveforms: steps, claps, voices, bottles, alarms, trains, and the hum of places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from onlooker.world.geometry import Floats
from onlooker.world.seeds import generator

Noise = Callable[[np.random.Generator, float, int], Floats]


def _time(seconds: float, rate: int) -> Floats:
    return np.arange(max(round(seconds * rate), 1)) / rate


def _smooth(signal: Floats, cutoff: float, rate: int) -> Floats:
    """One-pole low-pass at `cutoff` Hz."""
    keep = float(np.exp(-2 * np.pi * cutoff / rate))
    return np.asarray(lfilter([1 - keep], [1, -keep], signal))


def _burst(rng: np.random.Generator, seconds: float, rate: int, decay: float, cutoff: float) -> Floats:
    t = _time(seconds, rate)
    wave = _smooth(rng.standard_normal(len(t)), cutoff, rate) * np.exp(-t / decay)
    return wave / max(float(np.abs(wave).max()), 1e-9)


def _ring(rng: np.random.Generator, seconds: float, rate: int, tones: tuple[float, ...], decay: float) -> Floats:
    t = _time(seconds, rate)
    wave = np.zeros(len(t))
    for number, tone in enumerate(tones):
        pitch = tone * float(rng.uniform(0.97, 1.03))
        wave += np.sin(2 * np.pi * pitch * t) * np.exp(-t / (decay / (1 + 0.5 * number)))
    return wave / len(tones)


def step(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """A shoe on the ground."""
    low = _burst(rng, seconds, rate, 0.02, 300)
    scrape = _burst(rng, seconds, rate, 0.035, 2600)
    return 0.8 * low + 0.25 * scrape


def clap(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Two palms."""
    return _burst(rng, seconds, rate, 0.012, 3200)


def thud(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Something heavy or soft comes down."""
    t = _time(seconds, rate)
    return 0.8 * np.sin(2 * np.pi * 70 * t) * np.exp(-t / 0.06) + 0.3 * _burst(rng, seconds, rate, 0.03, 500)


def creak(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """A hinge."""
    t = _time(seconds, rate)
    pitch = 300 + 220 * t / max(seconds, 1e-3)
    return np.asarray(
        0.3 * np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / rate)) * np.sin(np.pi * t / max(seconds, 1e-3)) ** 2,
        np.float64,
    )


def pour(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Water into a cup, rising in pitch."""
    t = _time(seconds, rate)
    hiss = rng.standard_normal(len(t))
    return (hiss - _smooth(hiss, 900, rate)) * 0.12 * np.sin(np.pi * t / max(seconds, 1e-3))


def alarm(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Two tones in turn."""
    t = _time(seconds, rate)
    pitch = np.where((t * 2).astype(int) % 2 == 0, 880.0, 660.0)
    return 0.6 * np.sin(2 * np.pi * np.cumsum(pitch) / rate)


def train(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """A train comes and goes."""
    t = _time(seconds, rate)
    swell = np.sin(np.pi * t / max(seconds, 1e-3)) ** 2
    rumble = _smooth(rng.standard_normal(len(t)), 160, rate)
    beats = 0.5 + 0.5 * np.clip(np.sin(2 * np.pi * 2.6 * t), 0, 1) ** 8
    return np.asarray(5.0 * rumble * swell * beats, np.float64)


def cry(rng: np.random.Generator, seconds: float, rate: int) -> Floats:
    """A baby."""
    t = _time(seconds, rate)
    breath = np.clip(np.sin(2 * np.pi * 0.9 * t), 0, 1) ** 0.5
    pitch = 430 + 60 * breath + 9 * np.sin(2 * np.pi * 6 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    return breath * sum(np.sin(k * phase) / k for k in range(1, 6)) * 0.4


def voice(rng: np.random.Generator, opening: Floats, pitch: float, rate: int) -> Floats:
    """Speech-like sound: a glottal buzz at `pitch` Hz through two moving formants, as loud as the mouth is open."""
    t = np.arange(len(opening)) / rate
    glide = pitch * (1 + 0.09 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6)) + 0.02 * np.sin(2 * np.pi * 5 * t))
    phase = 2 * np.pi * np.cumsum(glide) / rate
    # the vowel changes with every syllable
    vowels = rng.uniform((300, 900), (800, 2200), (64, 2))
    syllable = np.minimum(np.cumsum(np.diff(opening > 0.05, prepend=False) & (opening > 0.05)), 63)
    first, second = (_smooth(vowels[syllable, k], 12, rate) for k in range(2))
    wave = np.zeros(len(t))
    for harmonic in range(1, 24):
        tone = harmonic * glide
        gain = 1 / (1 + ((tone - first) / 110) ** 2) + 0.6 / (1 + ((tone - second) / 160) ** 2)
        wave += np.where(tone < rate / 2.2, gain, 0) * np.sin(harmonic * phase) / harmonic**0.5
    return wave * _smooth(np.clip(opening * 1.6, 0, 1), 25, rate) * 0.7


NOISES: dict[str, Noise] = {
    "step": step,
    "clap": clap,
    "thud": thud,
    "creak": creak,
    "pour": pour,
    "alarm": alarm,
    "train": train,
    "cry": cry,
    "click": lambda rng, seconds, rate: _burst(rng, seconds, rate, 0.006, 5000),
    "rustle": lambda rng, seconds, rate: 0.4 * _burst(rng, seconds, rate, 0.12, 6000),
    "clink": lambda rng, seconds, rate: _ring(rng, seconds, rate, (2300.0, 3700.0, 5200.0), 0.08),
    "bottle": lambda rng, seconds, rate: _ring(rng, seconds, rate, (900.0, 1850.0, 3100.0), 0.12),
    "squeak": lambda rng, seconds, rate: _ring(rng, min(seconds, 0.2), rate, (1500.0, 1900.0), 0.06),
}


def ambience(background: str, count: int, rate: int, seed: int) -> Floats:
    """The quiet of a place: traffic, a fridge, a hall."""
    rng = generator(seed, "ambience", background)
    cutoff, level, hum = {
        "street": (320.0, 0.05, 0.0),
        "station": (500.0, 0.04, 0.0),
        "shop": (900.0, 0.008, 0.006),
    }.get(background, (600.0, 0.004, 0.003))
    wave = _smooth(rng.standard_normal(count), cutoff, rate)
    wave *= level / max(float(wave.std()), 1e-9) * 0.4
    return wave + hum * np.sin(2 * np.pi * 50 * np.arange(count) / rate)
