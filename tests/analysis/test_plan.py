import pytest

from onlooker.analysis.plan import order_stages
from onlooker.errors import ConfigError


def make(name, needs=(), gives=()):
    return type(name, (), {"name": name, "needs": needs, "gives": gives})


CHAIN = {
    "facts": make("facts", ("tracks",), ("facts",)),
    "track": make("track", ("boxes", "cuts"), ("tracks",)),
    "shots": make("shots", (), ("cuts",)),
    "detect": make("detect", (), ("boxes",)),
    "sound": make("sound", (), ("loudness",)),
}


def names(plan):
    return [stage.name for stage in plan]


def test_everything_needed_comes_first():
    order = names(order_stages(CHAIN))
    assert sorted(order) == sorted(CHAIN)
    assert max(order.index("shots"), order.index("detect")) < order.index("track") < order.index("facts")


def test_a_wanted_stage_brings_only_what_it_needs():
    assert set(names(order_stages(CHAIN, ["track"]))) == {"track", "shots", "detect"}


def test_the_order_does_not_depend_on_registration():
    shuffled = dict(sorted(CHAIN.items()))
    assert names(order_stages(shuffled)) == names(order_stages(CHAIN))


def test_an_unknown_stage_names_the_nearest():
    with pytest.raises(ConfigError, match="'track'"):
        order_stages(CHAIN, ["trak"])


def test_missing_double_and_circular_values_are_refused():
    with pytest.raises(ConfigError, match="no stage gives"):
        order_stages({"a": make("a", ("x",))})
    with pytest.raises(ConfigError, match="both give"):
        order_stages({"a": make("a", (), ("x",)), "b": make("b", (), ("x",))})
    with pytest.raises(ConfigError, match="each other"):
        order_stages({"a": make("a", ("y",), ("x",)), "b": make("b", ("x",), ("y",))})
