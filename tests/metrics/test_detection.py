"""Average precision on small cases by hand, its invariants, and agreement with pycocotools."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError, RecordError
from onlooker.metrics import coco as c
from onlooker.metrics.ava import LabelledBoxes, evaluate_ava, frame_ap
from onlooker.metrics.average_precision import voc_ap
from onlooker.metrics.masks import decode_mask, encode_mask, mask_iou

hits = st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), min_size=1, max_size=20, unique_by=lambda pair: pair[0])


def test_ap_by_hand() -> None:
    assert voc_ap([0.9, 0.8], [True, True], 2) == 1
    assert voc_ap([0.9, 0.8], [False, True], 1) == 0.5
    assert voc_ap([0.9, 0.8, 0.7], [True, False, True], 4) == pytest.approx(1 / 4 + (1 / 4) * (2 / 3))
    assert voc_ap([], [], 3) == 0
    assert np.isnan(voc_ap([0.5], [False], 0))


@given(hits)
def test_ap_ignores_what_comes_after_the_last_hit_and_any_scale(pairs: list[tuple[float, bool]]) -> None:
    scores, found = (np.array(values) for values in zip(*pairs, strict=True))
    positives = max(1, int(found.sum()))
    ap = voc_ap(scores, found, positives)
    assert 0 <= ap <= 1
    assert voc_ap([*scores, 0.001], [*found, False], positives) == pytest.approx(ap)
    assert voc_ap(scores * 0.5, found, positives) == pytest.approx(ap)


class TestAva:
    def boxes(self, rows: list[tuple[str, int, float, float]]) -> LabelledBoxes:
        """image, label, x of a box of width 10, score"""
        xyxy = np.array([(x, 0, x + 10, 10) for _, _, x, _ in rows], float).reshape(-1, 4)
        columns = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
        return LabelledBoxes(np.array(columns[0], str), np.array(columns[1], int), xyxy, np.array(columns[3], float))

    def test_no_second_choice(self) -> None:
        gt = self.boxes([("a", 1, 0, 1), ("a", 1, 4, 1)])
        # both overlap the first one most; the second detection would reach 0.5 with the other one too
        pred = self.boxes([("a", 1, 0.5, 0.9), ("a", 1, 1, 0.8)])
        assert frame_ap(gt, pred, [1])[1] == pytest.approx(0.5)

    def test_false_images_labels_and_missing_classes(self) -> None:
        gt = self.boxes([("a", 1, 0, 1), ("a", 2, 0, 1)])
        pred = self.boxes([("b", 1, 0, 0.9), ("a", 1, 0, 0.8), ("a", 2, 50, 0.9)])
        found = frame_ap(gt, pred, [1, 2, 3])
        assert (found[1], found[2]) == (0.5, 0)
        assert np.isnan(found[3])

    def test_files(self, tmp_path: Path) -> None:
        (tmp_path / "gt.csv").write_text(
            "v,0902,0,0,1,1,1,0\nv,0903,0,0,1,1,1,0\nv,0904,0,0,1,1,9,0\nv,0905,0,0,1,1,,\n"
        )
        (tmp_path / "p.csv").write_text("v,902,0,0,1,1,1,0.9\nv,0903,0,0,0.1,0.1,1,0.8\n")
        (tmp_path / "x.csv").write_text("v,0903\n")
        categories = {1: "stand", 2: "sit"}
        found = evaluate_ava(tmp_path / "gt.csv", tmp_path / "p.csv", categories)
        assert (found["mAP"], found["stand"]) == (0.5, 0.5)
        assert np.isnan(found["sit"])
        assert evaluate_ava(tmp_path / "gt.csv", tmp_path / "p.csv", categories, tmp_path / "x.csv")["mAP"] == 1
        (tmp_path / "p.csv").write_text("v,0902,0,0,1,1,1\nv,0902,0,0,1,eins,1,0.5\n")
        with pytest.raises(RecordError) as caught:
            evaluate_ava(tmp_path / "gt.csv", tmp_path / "p.csv", categories)
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["p.csv:1", "p.csv:2"]


def made_coco(folder: Path, seed: int, crowds: bool = True) -> tuple[Path, Path]:
    """Random images with boxes and masks of three categories, results around them, some false."""
    random = np.random.default_rng(seed)
    height, width = 120, 160
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []

    def place(box: np.ndarray) -> tuple[list[float], dict[str, Any]]:
        x0, y0 = np.clip(box[:2], 0, (width - 2, height - 2))
        x1, y1 = np.clip(box[2:], (x0 + 1, y0 + 1), (width, height))
        mask = np.zeros((height, width), bool)
        mask[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        return [float(x0), float(y0), float(x1 - x0), float(y1 - y0)], encode_mask(mask)

    for image in range(1, 9):
        for _ in range(random.integers(0, 6)):
            corner = random.uniform(0, 110, 2)
            box = np.concatenate([corner, corner + random.choice([8, 25, 60]) * random.uniform(0.7, 1.6, 2)])
            category = int(random.integers(1, 4))
            xywh, mask = place(box)
            crowd = int(crowds and random.random() < 0.15)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": xywh,
                    "area": xywh[2] * xywh[3] * random.uniform(0.8, 1),
                    "iscrowd": crowd,
                    "segmentation": mask,
                }
            )
            for _ in range(random.integers(0, 4)):
                xywh, mask = place(box + random.normal(0, 4, 4))
                guess = category if random.random() < 0.8 else int(random.integers(1, 4))
                score = float(random.random())
                results.append(
                    {"image_id": image, "category_id": guess, "bbox": xywh, "score": score, "segmentation": mask}
                )
    data = {
        "info": {},
        "images": [{"id": i, "height": height, "width": width} for i in range(1, 9)],
        "annotations": annotations,
        "categories": [{"id": i, "name": str(i)} for i in (1, 2, 3)],
    }
    (folder / "gt.json").write_text(json.dumps(data))
    (folder / "r.json").write_text(json.dumps(results))
    return folder / "gt.json", folder / "r.json"


NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR@1", "AR@10", "AR@100", "ARs", "ARm", "ARl")


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_agreement_with_pycocotools(tmp_path: Path, kind: Any, agnostic: bool, seed: int) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    gt, results = made_coco(tmp_path, seed)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(gt))
        judge = COCOeval(truth, truth.loadRes(str(results)), kind)
        judge.params.useCats = int(not agnostic)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = c.evaluate_coco(gt, results, kind=kind, class_agnostic=agnostic)
    assert tuple(ours) == NAMES
    for name, reference in zip(NAMES, judge.stats, strict=True):
        assert ours[name] == pytest.approx(reference, abs=1e-9), name


@pytest.mark.parametrize("seed", range(4))
def test_coco_invariants(tmp_path: Path, seed: int) -> None:
    gt, results = made_coco(tmp_path, seed, crowds=False)
    numbers = c.evaluate_coco(gt, results)
    assert numbers["AP50"] >= numbers["AP75"]
    assert numbers["AP50"] >= numbers["AP"]
    recall = c.recall_by_budget(gt, results, [1, 2, 5, 100])
    assert (np.diff(recall, axis=1) >= 0).all()
    assert (np.diff(recall, axis=0) <= 0).all()
    everything = c.cross_category_recall(gt, results, [1, 2, 3], [1, 2, 5, 100])
    assert np.allclose(everything, recall)


def test_detections_of_seen_classes_use_no_budget(tmp_path: Path) -> None:
    data = {
        "images": [{"id": 1, "height": 100, "width": 100}],
        "categories": [{"id": 1, "name": "seen"}, {"id": 2, "name": "new"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [50, 50, 20, 20], "area": 400, "iscrowd": 0},
        ],
    }
    results = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [50, 50, 20, 20], "score": 0.8},
    ]
    gt, found = tmp_path / "gt.json", tmp_path / "r.json"
    gt.write_text(json.dumps(data))
    found.write_text(json.dumps(results))
    assert c.cross_category_recall(gt, found, [2], [1, 2])[0].tolist() == [1, 1]
    assert c.cross_category_recall(gt, found, [2], [1])[0].tolist() == [0]  # cut to the largest budget first
    assert c.recall_by_budget(gt, found, [1, 2])[0].tolist() == [0.5, 1]
    with pytest.raises(ConfigError, match="do not occur"):
        c.cross_category_recall(gt, found, [7], [1])
    found.write_text(json.dumps([{"image_id": 5, "category_id": 1, "bbox": [0, 0, 2, 2], "score": 0.9}]))
    with pytest.raises(RecordError, match="unknown images"):
        c.evaluate_coco(gt, found)
    found.write_text(json.dumps([{"image_id": 1, "category_id": 1, "score": 0.9}]))
    with pytest.raises(RecordError, match=r"r\.json"):
        c.evaluate_coco(gt, found)


def test_no_truth_is_minus_one(tmp_path: Path) -> None:
    gt, found = tmp_path / "gt.json", tmp_path / "r.json"
    gt.write_text(json.dumps({"images": [{"id": 1}], "categories": [{"id": 1, "name": "c"}], "annotations": []}))
    found.write_text("[]")
    assert set(c.evaluate_coco(gt, found).values()) == {-1.0}


masks = st.integers(0, 2**20 - 1).map(lambda bits: np.array([bits >> i & 1 for i in range(20)], bool).reshape(4, 5))


@given(masks)
@settings(deadline=None)
def test_masks_there_and_back(mask: np.ndarray) -> None:
    encoded = encode_mask(mask)
    assert (decode_mask(encoded) == mask).all()
    tools = pytest.importorskip("pycocotools.mask")
    assert encoded["counts"].encode() == tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]


def test_other_masks() -> None:
    plain = decode_mask({"size": [2, 3], "counts": [1, 3, 2]})  # column by column
    assert plain.tolist() == [[False, True, False], [True, True, False]]
    square = decode_mask([[1, 1, 4, 1, 4, 3, 1, 3]], (5, 6))
    assert square.sum() == 6
    assert square[1:3, 1:4].all()
    assert mask_iou([plain], [plain, ~plain]).tolist() == [[1, 0]]
    assert mask_iou([], [plain]).shape == (0, 1)
    for damaged in (
        {"size": [2, 3], "counts": [1, 3]},
        {"size": [2, 3], "counts": "0"},
        {"size": [1, 1], "counts": "o"},
    ):
        with pytest.raises(RecordError, match="damaged"):
            decode_mask(damaged)
    with pytest.raises(RecordError, match="polygons"):
        decode_mask([[0, 0, 1, 0, 1, 1]])


def test_polygons_are_close_to_pycocotools() -> None:
    tools = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for _ in range(50):
        angles = np.sort(random.uniform(0, 2 * np.pi, 7))
        points = 50 + np.stack([np.cos(angles), np.sin(angles)], axis=1) * random.uniform(20, 45, (7, 1))
        polygon = points.reshape(-1).tolist()
        theirs = tools.decode(tools.merge(tools.frPyObjects([polygon], 100, 100))).astype(bool)
        ours = decode_mask([polygon], (100, 100))
        around = np.abs(np.diff(points, axis=0, append=points[:1])).sum()
        assert (ours != theirs).sum() <= around  # at most a pixel along the outline
