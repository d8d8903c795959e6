"""Procedural people, places, cameras and sound with exact ground truth."""

from onlooker.world.film import Film, make_film
from onlooker.world.render import render
from onlooker.world.world import World

__all__ = ["Film", "World", "make_film", "render"]
