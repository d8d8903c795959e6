"""Worlds as files and as training data."""

from __future__ import annotations

import json
import pickle
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from onlooker.errors import ConfigError
from onlooker.records import Run
from onlooker.records.formats.mot import read_mot
from onlooker.world import World, render
from onlooker.world.dataset import Recipe, WorldClips
from onlooker.world.export import (
    export_ava,
    export_coco,
    export_kinetics,
    export_mot,
    export_silhouettes,
    export_thumos,
)
from onlooker.world.sidecars import read_mask


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path, Path]:
    world = World(stage="shop", people=3, seconds=5, seed=9, size=(160, 96), rate=6)
    path = tmp_path_factory.mktemp("world") / "shop.mp4"
    return world, path, render(world, path)


def test_render_writes_video_sound_and_truth(rendered: tuple[World, Path, Path]) -> None:
    world, path, folder = rendered
    with av.open(str(path)) as container:
        assert container.streams.video[0].width == 160
        assert len(container.streams.audio) == 1
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(images) == len(world)
    assert np.abs(images[7].astype(int) - world.frame(7)[0]).mean() < 6
    run = Run.open(folder)
    run.validate()
    assert run.status == "complete"
    assert {"tracks", "segments", "identities", "captions", "shots"} <= set(run.tables)
    assert run.read("tracks").equals(world.truth_tables("shop.mp4")["tracks"])
    content = json.loads((folder / "world.json").read_text())
    assert len(content["people"]) == 3
    assert content["configuration"]["stage"] == "shop"


def test_sidecars_hold_every_frame(rendered: tuple[World, Path, Path]) -> None:
    world, _, folder = rendered
    truth = world.frame(11)[1]
    assert np.array_equal(read_mask(folder, 11), truth.instances)
    with np.load(folder / "poses.npz") as poses:
        assert poses["joints"].shape == (30, 3, 29, 3)
        assert np.allclose(poses["joints_3d"][11, 1], truth.people[1].joints_3d, atol=1e-5)
        assert np.allclose(poses["K"][11], truth.camera.K)
        assert poses["landmarks"].shape == (30, 3, 68, 3)


def test_the_same_world_gives_the_same_files(rendered: tuple[World, Path, Path], tmp_path: Path) -> None:
    _, path, folder = rendered
    again = render(World(stage="shop", people=3, seconds=5, seed=9, size=(160, 96), rate=6), tmp_path / "shop.mp4")
    assert (tmp_path / "shop.mp4").read_bytes() == path.read_bytes()
    for name in ("tracks.parquet", "captions.parquet", "masks.npz", "poses.npz"):
        if (folder / name).exists() and name.endswith("parquet"):
            assert (again / name).read_bytes() == (folder / name).read_bytes(), name
        else:
            with np.load(again / name) as a, np.load(folder / name) as b:
                assert all(np.array_equal(a[key], b[key]) for key in b.files)


def test_exports(rendered: tuple[World, Path, Path], tmp_path: Path) -> None:
    world = rendered[0]
    tables = world.truth_tables("shop.mp4")
    export_mot(tables, tmp_path / "gt.txt")
    again = read_mot(tmp_path / "gt.txt", rate=6)
    assert again.num_rows == tables["tracks"].num_rows
    assert np.allclose(again["x1"].to_numpy(), tables["tracks"]["x1"].to_numpy(), atol=0.01)
    export_ava(tables, tmp_path / "ava.csv", world.size)
    rows = (tmp_path / "ava.csv").read_text().splitlines()
    assert rows
    assert all(0 <= float(value) <= 1 for row in rows for value in row.split(",")[2:6])
    assert 'name: "walk"' in (tmp_path / "ava.pbtxt").read_text()
    export_coco((truth for _, truth in world.frames()), tmp_path / "coco.json", world.size)
    content = json.loads((tmp_path / "coco.json").read_text())
    assert len(content["images"]) == len(world)
    ids = [entry["id"] for entry in content["annotations"]]
    assert len(set(ids)) == len(ids)
    for entry in content["annotations"]:
        counts = entry["segmentation"]["counts"]
        assert sum(counts) == 160 * 96
        assert sum(counts[1::2]) == entry["area"]
        assert len(entry.get("keypoints", [0] * 51)) == 51
    files = export_thumos(tables, tmp_path / "thumos")
    assert tmp_path / "thumos" / "pick_up_val.txt" in files
    assert all(len(line.split()) == 3 for path in files for line in path.read_text().splitlines())
    export_kinetics([("wave", "a", 0.0, 2.5, "train")], tmp_path / "k.csv")
    assert (tmp_path / "k.csv").read_text() == "label,youtube_id,time_start,time_end,split\nwave,a,0,2.5,train\n"


def test_coco_loads_in_the_reference_reader(rendered: tuple[World, Path, Path], tmp_path: Path) -> None:
    masks = pytest.importorskip("pycocotools.mask")
    world = rendered[0]
    export_coco([world.frame(5)[1]], tmp_path / "coco.json", world.size)
    for entry in json.loads((tmp_path / "coco.json").read_text())["annotations"]:
        coded = masks.frPyObjects(entry["segmentation"], 96, 160)
        assert masks.area(coded) == entry["area"]
        assert masks.toBbox(coded).tolist() == entry["bbox"]


def test_silhouettes_for_gait(tmp_path: Path) -> None:
    world = World(stage="street", people=2, seconds=4, seed=7, size=(320, 180), rate=4)
    count = export_silhouettes((truth for _, truth in world.frames()), tmp_path)
    assert count == len(list(tmp_path.glob("*/*.png")))
    assert count > 4


RECIPE = Recipe(labels=("sit_down", "stand_up", "wave"), frames=6, rate=4, size=48, stages=("film_set",))


def test_a_dataset_is_the_same_in_any_order(tmp_path: Path) -> None:
    clips = WorldClips(RECIPE, "train", 6, cache=tmp_path)
    fresh = WorldClips(RECIPE, "train", 6)
    for index in (4, 0, 4):
        assert np.array_equal(clips[index].clip, fresh[index].clip)
    assert len(list(tmp_path.glob("*/*.npy"))) == 2
    assert clips[4].label == 1
    assert clips[0].clip.shape == (6, 48, 48, 3)
    with pytest.raises(IndexError):
        clips[6]


def test_splits_share_no_seed() -> None:
    seeds = {
        split: {WorldClips(RECIPE, split, 400).seed_of(i) for i in range(400)} for split in ("train", "val", "test")
    }
    assert all(len(found) > 390 for found in seeds.values())
    assert not seeds["train"] & seeds["val"]
    assert not seeds["train"] & seeds["test"]
    assert not seeds["val"] & seeds["test"]


def test_reversed_pairs_differ_in_nothing_but_time() -> None:
    recipe = Recipe(labels=("sit_down", "stand_up"), frames=6, rate=4, size=48, stages=("room",), reversed_pairs=True)
    clips = WorldClips(recipe, "val", 4)
    for first in (0, 2):
        assert np.array_equal(clips[first].clip, clips[first + 1].clip[::-1])
        assert (clips[first].label, clips[first + 1].label) == (0, 1)


def test_datasets_travel_to_workers_without_torch() -> None:
    clips = pickle.loads(pickle.dumps(WorldClips(RECIPE, "train", 3)))
    assert clips[2].label == 2
    with pytest.raises(ConfigError):
        WorldClips(Recipe(labels=("fly",)), "train", 1)
    with pytest.raises(ConfigError):
        WorldClips(RECIPE, "holdout", 1)


def test_the_world_imports_no_torch() -> None:
    import subprocess

    code = "import sys, onlooker.world, onlooker.world.dataset, onlooker.world.export; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_speed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Five people at 224x224 on one core; printed, and far below the goal only if something is broken."""
    world = World(stage="street", people=5, seconds=6, seed=3, size=(224, 224), rate=15)
    world.frame(0)
    began = time.process_time()
    count = sum(1 for _ in world.frames())
    rate = count / (time.process_time() - began)
    with capsys.disabled():
        sys.stdout.write(f"\nworld: {rate:.0f} frames/s at 224x224 with five people\n")
    assert rate > 20
