"""Recipes are read strictly, and every recipe of the repository is a valid one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, StorageError
from onlooker.training.recipe import Recipe, build_recipe, load_recipe, parse_yaml

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
KINETICS = RECIPES / "timesformer" / "k400.yaml"


# dense trajectories are fitted, not trained by gradient: their recipes have a reader and tests of their own
TRAINED = [path for path in sorted(RECIPES.rglob("*.yaml")) if path.parent.name != "dense_trajectories"]


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: str(path.relative_to(RECIPES)))
def test_every_recipe_is_valid_and_survives_writing(path):
    recipe = load_recipe(path)
    assert Recipe.model_validate(parse_yaml(recipe.to_yaml().encode(), "copy")) == recipe


def test_the_kinetics_recipe_has_the_papers_numbers():
    recipe = load_recipe(KINETICS)
    assert (recipe.loop.epochs, recipe.loop.batch, recipe.optimizer.name) == (15, 16, "sgd")
    assert (recipe.optimizer.lr, recipe.optimizer.momentum, recipe.optimizer.weight_decay) == (0.005, 0.9, 1e-4)
    assert recipe.schedule.milestones == (11, 14)
    assert recipe.augment.short_side == (256, 320)
    assert (recipe.evaluation.clips, recipe.evaluation.crops) == (1, 3)


def test_overrides_change_single_values_and_may_reach_into_missing_tables():
    recipe = load_recipe(KINETICS, ["optimizer.lr=1e-2", "augment.short_side=[224, 224]", "model.settings.depth=4"])
    assert recipe.optimizer.lr == 0.01
    assert recipe.augment.short_side == (224, 224)
    assert recipe.model.settings == {"depth": 4}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.learning_rate=1", "unknown key 'optimizer.learning_rate'"),
        ("optimiser.lr=1", "did you mean 'optimizer'"),
        ("optimizer.moment=0.9", "did you mean 'optimizer.momentum'"),
        ("data.train.lables=[a]", "did you mean 'data.train.labels'"),
        ("optimizer.lr=fast", "optimizer.lr"),
        ("optimizer.lr=-1", "greater than 0"),
        ("optimizer.lr=.nan", "optimizer.lr"),
        ("loop.epochs=1.5", "loop.epochs"),
        ("schedule.milestones=[]", "milestones"),
        ("augment.short_side=[320, 256]", "smaller size first"),
        ("optimizer.lr", "key=value"),
        ("name.first=1", "single value"),
        ("name='a b'", "name"),
        ("data.train.kind=tapes", "data.train"),
        ("augment.resized_crop={}", "takes the place of short_side"),
        ("augment.resized_crop.area=[0.9, 0.5]", "smaller number first"),
        ("augment.rand_augment.operation=3", "augment.rand_augment.operations"),
        ("data={train: {kind: ssv2, path: x, fps: 3}, val: {kind: ssv2, path: x}}", "unknown key 'data.train.fps'"),
    ],
)
def test_wrong_requests_are_refused_with_the_place(override, words):
    with pytest.raises(ConfigError) as caught:
        load_recipe(KINETICS, [override])
    assert words in str(caught.value)


def test_all_faults_come_in_one_message():
    with pytest.raises(ConfigError) as caught:
        load_recipe(KINETICS, ["optimizer.lr=-1", "loop.batch=0", "lop.epochs=3"])
    assert all(word in str(caught.value) for word in ("optimizer.lr", "loop.batch", "did you mean 'loop'"))


def test_a_key_that_occurs_twice_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"line 3.*'lr' occurs twice"):
        parse_yaml(b"optimizer:\n  lr: 1\n  lr: 2\n", "x.yaml")


@pytest.mark.parametrize("text", [b"a: [1", b"\x00", b"a: !!python/object/apply:os.system ['true']", b"\xff\xfe\xfd"])
def test_what_is_not_plain_yaml_is_refused(text):
    with pytest.raises(ConfigError, match="not YAML"):
        parse_yaml(text, "x.yaml")


def test_files_that_are_no_recipes(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="not a table"):
        load_recipe(tmp_path / "list.yaml")
    with pytest.raises(StorageError, match=r"missing\.yaml"):
        load_recipe(tmp_path / "missing.yaml")


@given(st.floats(1e-30, 1e30))
def test_any_float_that_python_writes_is_read_as_that_float(value):
    assert parse_yaml(f"lr: {value!r}".encode(), "x")["lr"] == value


def test_the_number_of_readers_does_not_make_another_run(recipe):
    one, two = recipe(), recipe(data={"workers": 2})
    assert one.digest() == two.digest() != recipe(seed=4).digest()


def test_nothing_required_may_be_missing():
    with pytest.raises(ConfigError, match=r"optimizer is missing; loop is missing"):
        build_recipe({"name": "a", "model": {"method": "m"}, "data": {"train": _FOLDER, "val": _FOLDER}})


_FOLDER = {"kind": "folders", "path": "x"}
