import pytest

from onlooker.analysis.options import Options
from onlooker.errors import ConfigError


def test_an_unknown_key_names_the_nearest_valid_one():
    with pytest.raises(ConfigError, match="did you mean 'detector'"):
        Options.parse({"detectr": "none"})


def test_a_wrong_type_names_the_key_and_the_value():
    with pytest.raises(ConfigError, match="start='soon'"):
        Options.parse({"start": "soon"})


def test_an_end_before_the_start_is_refused():
    with pytest.raises(ConfigError, match="later end"):
        Options.parse({"start": 5, "end": 4}).check()


def test_options_survive_json():
    options = Options.parse({"stages": ["detect"], "blur": "faces"})
    assert Options.parse(options.model_dump(mode="json")) == options
