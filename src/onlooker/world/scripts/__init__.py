"""Scripts by name; each writes what a cast does on a stage, from a seed."""

from __future__ import annotations

from collections.abc import Callable

from onlooker.errors import ConfigError
from onlooker.world.scenery import Stage
from onlooker.world.script import Script
from onlooker.world.scripts import correlated, film_set, memory, platform, room, shop, solo, street
from onlooker.world.scripts.cast import Cast

Writer = Callable[[Stage, Cast, float, int], Script]

DEFAULT = {
    "street": "walkers",
    "shop": "shopping",
    "platform": "travellers",
    "room": "at_home",
    "film_set": "conversation",
}
ANYWHERE: dict[str, Writer] = {
    "walkers": street.walkers,
    "encounters": street.encounters,
    "correlated": correlated.correlated,
    "hidden": memory.hidden,
}
AT_HOME: dict[str, tuple[str, Writer]] = {
    "shopping": ("shop", shop.shopping),
    "travellers": ("platform", platform.travellers),
    "at_home": ("room", room.at_home),
    "conversation": ("film_set", film_set.conversation),
}


def write_script(name: str | None, stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """The script of that name (None: the stage's own; "solo:ACTION" for one action) for a cast on a stage.

    Errors: ConfigError for an unknown name, or a script that needs another stage.
    """
    name = name or DEFAULT[stage.name]
    if name.startswith("solo:"):
        return solo.solo(name.removeprefix("solo:"), stage, cast, seconds, seed)
    if name in ANYWHERE:
        return ANYWHERE[name](stage, cast, seconds, seed)
    if name not in AT_HOME:
        known = ", ".join((*ANYWHERE, *AT_HOME, "solo:ACTION"))
        raise ConfigError(f"unknown script {name!r}: choose one of {known}.")
    home, writer = AT_HOME[name]
    if home != stage.name:
        raise ConfigError(f"script {name!r} plays on the stage {home!r}, not on {stage.name!r}: change one of them.")
    return writer(stage, cast, seconds, seed)
