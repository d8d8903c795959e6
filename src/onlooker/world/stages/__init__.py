"""Places by name. Each module builds its stage from a place seed, so that a place can be visited again."""

from collections.abc import Callable
from functools import lru_cache

from onlooker.errors import ConfigError
from onlooker.world.scenery import Stage
from onlooker.world.stages import film_set, platform, room, shop, street

STAGES: dict[str, Callable[[int], Stage]] = {
    "street": street.build,
    "shop": shop.build,
    "platform": platform.build,
    "room": room.build,
    "film_set": film_set.build,
}


@lru_cache(maxsize=8)
def build_stage(name: str, place: int) -> Stage:
    """The stage of that name as its place seed makes it; the last few are kept, treat them as constant. Errors:
    ConfigError for an unknown name."""
    if name not in STAGES:
        raise ConfigError(f"unknown stage {name!r}: choose one of {', '.join(STAGES)}.")
    return STAGES[name](place)
