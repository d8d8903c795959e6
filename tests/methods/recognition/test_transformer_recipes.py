"""Every recipe of VideoMAE, VidTr, MViT and DCFormer describes a model that exists and clips that fit it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from onlooker.methods.conversion import read_settings
from onlooker.methods.registry import find
from onlooker.training.recipe import load_recipe

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
FILES = sorted(path for name in ("videomae", "vidtr", "mvit", "dcformer") for path in (RECIPES / name).glob("*.yaml"))


def test_each_method_has_the_papers_recipe_and_a_small_one() -> None:
    names = {(path.parent.name, path.stem) for path in FILES}
    assert {(name, "world") for name in ("videomae", "vidtr", "mvit", "dcformer")} <= names
    assert len(FILES) == 9


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recipe(path: Path) -> None:
    recipe = load_recipe(path)
    method = find(recipe.model.method)
    module = method.load("model")
    start = asdict(module.VARIANTS[recipe.model.variant or method.variants[0]])
    config = module.Config(**{**start, **read_settings(method, recipe.model.settings)})
    if recipe.data.train.kind == "world":
        assert config.frames == recipe.data.train.frames
        assert config.size <= recipe.data.train.size  # a random square of the clip
    header = path.read_text().split("name:")[0]
    assert f"onlooker train recipes/{path.parent.name}/{path.name}" in header
    assert "ot run" in header or "Measured: " in header
