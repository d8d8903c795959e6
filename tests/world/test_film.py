"""Films: several scenes joined, with truth about the whole."""

import itertools

import numpy as np
import pytest

from onlooker.errors import ConfigError
from onlooker.records import Run
from onlooker.video import Video
from onlooker.video.shots import find_shots
from onlooker.world import Film, World, make_film, render
from onlooker.world.film import parse_joins

SMALL = {"size": (64, 48), "rate": 10.0, "seconds": 3.0}


def scenes(**options):
    return [
        World("street", 2, seed=1, identities=[5, 6], **SMALL, **options),
        World("shop", 2, seed=2, identities=[7, 5], **SMALL, **options),
        World("room", 1, seed=3, identities=[6], **SMALL, **options),
    ]


def test_a_dissolve_is_a_mixture_with_growing_weight_and_the_truth_is_of_the_heavier_scene():
    street, shop, _ = scenes()
    film = Film([street, shop], ["dissolve"])
    assert len(film) == 60 - film.change
    for step in range(film.change):
        index = film.starts[1] + step
        weight = (step + 1) / (film.change + 1)
        mixed = (1 - weight) * street.frame(index)[0].astype(float) + weight * shop.frame(step)[0]
        image, truth = film.frame(index)
        np.testing.assert_allclose(image, mixed, atol=0.51)
        assert film.scene_at(index) == (1 if weight > 0.5 else 0)
        assert truth.index == index


def test_a_fade_goes_to_black_and_comes_from_it():
    street, shop, _ = scenes()
    film = Film([street, shop], ["fade"])
    assert len(film) == 60
    bright = [float(film.frame(index)[0].mean()) for index in range(30 - film.change, 30 + film.change)]
    ends = street.frame(29)[0].mean() / (film.change + 1)
    assert bright[film.change - 1] == pytest.approx(ends, abs=0.5)
    assert bright[: film.change] == sorted(bright[: film.change], reverse=True)
    np.testing.assert_array_equal(film.frame(29 - film.change)[0], street.frame(29 - film.change)[0])
    np.testing.assert_array_equal(film.frame(30 + film.change)[0], shop.frame(film.change)[0])


def test_somebody_who_comes_back_keeps_the_track():
    film = Film(scenes(), ["cut", "cut"])
    seen = [{(p.identity, p.track_id) for p in film.frame(index)[1].people} for index in (5, 35, 65)]
    assert seen == [{(5, 0), (6, 1)}, {(7, 2), (5, 0)}, {(6, 1)}]


def test_any_order_of_access_gives_the_same_bytes():
    film = Film(scenes(), ["dissolve", "fade"])
    forward = [film.frame(index)[0] for index in range(len(film))]
    again = Film(scenes(), ["dissolve", "fade"])
    for index in (len(film) - 1, 28, 0, 33, 59, 12):
        np.testing.assert_array_equal(again.frame(index)[0], forward[index])


def test_what_is_written_holds_together_and_the_cuts_are_found(tmp_path):
    film = make_film(
        ["street", "shop", "street"], 3, seconds=12, seed=4, size=(160, 96), rate=10, joins=["cut"], camera="static"
    )
    run = Run(render(film, tmp_path / "film.mp4"))
    run.validate()
    shots = run.shots.to_pylist()
    assert [(shot["start_frame"], shot["transition"]) for shot in shots] == [(0, "start"), (40, "cut"), (80, "cut")]
    for before, after in itertools.pairwise(shots):
        assert before["end_frame"] == after["start_frame"]
    assert shots[-1]["end_frame"] == len(film)
    labels = [row["label"] for row in run.segments.to_pylist() if row["label"].startswith("scene: ")]
    assert labels == ["scene: street", "scene: shop", "scene: street"]
    assert set(run.tracks["track_id"].to_pylist()) <= set(run.identities["track_id"].to_pylist())
    assert sum(np.load(tmp_path / f"film.truth/scene-{k}/poses.npz")["time"].size for k in range(3)) == len(film)
    with Video(tmp_path / "film.mp4") as video:
        assert len(video) == len(film)
        assert [boundary.index for boundary in find_shots(video.chunks(32))] == [40, 80]


def test_the_same_stage_is_the_same_place_and_people_keep_their_clothes():
    film = make_film(["street", "shop", "street"], 3, seconds=9, seed=4, size=(64, 48), rate=5)
    assert film.scenes[0].place == film.scenes[2].place
    clothes = {}
    for scene in film.scenes:
        for performer in scene.scene.performers:
            assert clothes.setdefault(performer.body.identity, performer.outfit) == performer.outfit
    assert set(film.tracks.values()) == set(range(len(film.tracks)))


def test_sound_is_as_long_as_the_picture_and_quiet_in_the_middle_of_a_fade():
    film = Film(scenes()[:2], ["fade"])
    sound = film.sound(8000)
    assert len(sound) == 8000 * 6
    assert np.abs(sound.samples[24000 - 80 : 24000 + 80]).max() < 0.1 * np.abs(sound.samples).max()


@pytest.mark.parametrize("joins", [[], ["cut", "cut", "cut"]])
def test_joins_must_fit(joins):
    with pytest.raises(ConfigError, match="join"):
        Film(scenes(), joins)


def test_scenes_of_other_sizes_are_refused():
    with pytest.raises(ConfigError, match="one size"):
        Film([*scenes()[:1], World("shop", 1, 3.0, 2, (80, 48), 10.0)], ["cut"])


def test_an_unknown_join_is_refused():
    with pytest.raises(ConfigError, match="'wipe'"):
        parse_joins("cut,wipe")
