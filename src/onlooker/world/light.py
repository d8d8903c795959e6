"""Light and weather of a place: where the sun stands, how hard the shadows are, what hangs in the air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.geometry import Floats, unit
from onlooker.world.seeds import generator

LIGHTS = ("day", "overcast", "evening", "night", "indoor")
WEATHERS = ("clear", "rain", "snow", "fog")


@dataclass(frozen=True, slots=True)
class Light:
    """`direction` points from the ground to the light; `tint` multiplies red, green and blue; `fog` is per metre."""

    name: str
    weather: str
    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    shadow: float
    tint: tuple[float, float, float]
    sky: tuple[tuple[int, int, int], tuple[int, int, int]]  # zenith, horizon
    fog: float
    fog_colour: tuple[int, int, int]
    noise: float  # sensor noise, grey levels

    @property
    def vector(self) -> Floats:
        """`direction` as a unit vector."""
        return unit(np.array(self.direction))


_KINDS: dict[
    str, tuple[float, float, float, float, tuple[float, float, float], tuple[int, int, int], tuple[int, int, int]]
] = {
    # elevation, ambient, diffuse, shadow, tint, zenith, horizon
    "day": (0.95, 0.58, 0.52, 0.50, (1.0, 0.99, 0.96), (96, 146, 208), (196, 214, 230)),
    "overcast": (1.2, 0.78, 0.26, 0.30, (0.93, 0.96, 1.0), (168, 176, 186), (206, 210, 214)),
    "evening": (0.42, 0.50, 0.58, 0.45, (1.0, 0.84, 0.68), (92, 104, 160), (240, 176, 124)),
    "night": (1.0, 0.36, 0.34, 0.35, (0.66, 0.72, 0.95), (14, 18, 38), (34, 38, 62)),
    "indoor": (1.25, 0.72, 0.32, 0.34, (1.0, 0.98, 0.93), (206, 204, 198), (206, 204, 198)),
}


def make_light(name: str, weather: str, seed: int) -> Light:
    """A light by name (one of `LIGHTS`), its direction from the seed, changed by the weather (one of `WEATHERS`)."""
    rng = generator(seed, "light")
    elevation, ambient, diffuse, shadow, tint, zenith, horizon = _KINDS[name]
    # from behind the usual camera position, so that what faces it is lit
    azimuth = -np.pi / 2 + rng.uniform(-1.1, 1.1)
    fog = {"fog": 0.045, "rain": 0.008, "snow": 0.012}.get(weather, 0.0)
    if weather != "clear":
        shadow, diffuse, ambient = shadow * 0.4, diffuse * 0.6, ambient + 0.08
        zenith, horizon = _mix(zenith, (150, 155, 162)), _mix(horizon, (190, 194, 198))
    return Light(
        name=name,
        weather=weather,
        direction=(
            float(np.cos(azimuth) * np.cos(elevation)),
            float(np.sin(azimuth) * np.cos(elevation)),
            float(np.sin(elevation)),
        ),
        ambient=ambient,
        diffuse=diffuse,
        shadow=shadow,
        tint=tint,
        sky=(zenith, horizon),
        fog=fog,
        fog_colour=horizon,
        noise=5.0 if name == "night" else 2.2,
    )


def _mix(first: tuple[int, int, int], second: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = ((a + b) // 2 for a, b in zip(first, second, strict=True))
    return red, green, blue
