"""Recorded numbers of the original evaluators against ours.

`parity(folder)` knows a fixture by what lies in it (see `_READERS`), whatever its size, and yields
(name, ours, reference) for every recorded number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import RecordError
from onlooker.metrics.ava import evaluate_ava
from onlooker.metrics.coco import cross_category_recall, evaluate_coco, recall_by_budget
from onlooker.metrics.hota import combine_hota, hota
from onlooker.metrics.masks import decode_mask
from onlooker.metrics.single_object import Curves, one_pass, overall, read_otb
from onlooker.metrics.tracking import COMBINED, read_sequence, score_sequences
from onlooker.metrics.tubes import MaskTrack, VideoTracks, track_ap

Numbers = NDArray[np.float64]
Triples = Iterator[tuple[str, Numbers, Numbers]]

TOLERANCE = 1e-6


def parity(folder: str | Path) -> Triples:
    """(name, ours, reference) for a folder of one metric, or of folders of metrics.

    Errors: RecordError when nothing in it is a known form.
    """
    folder = Path(folder)
    reader = _reader(folder)
    if reader is not None:
        yield from reader(folder, json.loads((folder / "expected.json").read_text()))
        return
    found = [path for path in sorted(folder.iterdir()) if path.is_dir() and _reader(path) is not None]
    if not found:
        raise RecordError(f"{folder} holds no metrics fixture: expected expected.json beside ground truth and results.")
    for path in found:
        for name, ours, reference in parity(path):
            yield f"{path.name}/{name}", ours, reference


def _reader(folder: Path) -> Callable[[Path, Any], Triples] | None:
    if not (folder / "expected.json").is_file():
        return None
    return next((read for fits, read in _READERS if fits(folder)), None)


def _pair(name: str, ours: Any, reference: Any) -> tuple[str, Numbers, Numbers]:
    return name, np.asarray(ours, np.float64), np.asarray(reference, np.float64)


def _mot(folder: Path, expected: Mapping[str, Any]) -> Triples:
    frames = expected["num_frames"]
    sequences = {
        name: read_sequence(folder / name / "gt.txt", folder / name / "tracker.txt", frames=count)
        for name, count in frames.items()
    }
    curves = {name: hota(sequence) for name, sequence in sequences.items()}
    curves[COMBINED] = combine_hota(list(curves.values()))
    scores = score_sequences(sequences)
    old = score_sequences(sequences, convention="motmetrics")
    for part, recorded in expected.get("trackeval", {}).items():
        for sequence, values in recorded.items():
            for name, value in values.items():
                ours = curves[sequence][name] if isinstance(value, list) else scores[sequence][name]
                yield _pair(f"trackeval/{part}/{sequence}/{name}", ours, value)
    for sequence, values in expected.get("motmetrics", {}).items():
        for name, value in values.items():
            ours = old[COMBINED if sequence == "OVERALL" else sequence][name]
            yield _pair(f"motmetrics/{sequence}/{name}", ours, value)


def _ava(folder: Path, expected: Mapping[str, Any]) -> Triples:
    categories = {item["id"]: item["name"] for item in json.loads((folder / "categories.json").read_text())}
    excluded = folder / "excluded_timestamps.csv"
    for threshold, values in expected.items():
        ours = evaluate_ava(
            folder / "gt.csv",
            folder / "detections.csv",
            categories,
            excluded if excluded.is_file() else None,
            float(threshold),
        )
        for name, value in values.items():
            yield _pair(name, ours["mAP" if name.startswith("PascalBoxes_Precision") else name.split("/")[-1]], value)


def _coco(folder: Path, expected: Mapping[str, Any]) -> Triples:
    gt, results = folder / "gt.json", folder / "results.json"
    for name, values in expected.items():
        kind, _, pooling = name.partition("_")
        ours = evaluate_coco(gt, results, kind=_kind(kind), class_agnostic=pooling == "class_agnostic")
        for number, value in values.items():
            if number in ours:
                yield _pair(f"{name}/{number}", ours[number], value)
        if table := values.get("recall_by_iou_x_maxdet"):
            recall = recall_by_budget(gt, results, table["max_det"], kind=_kind(kind))
            yield _pair(f"{name}/recall", recall, table["recall"])
            yield _pair(f"{name}/AR_mean", recall.mean(axis=0), table["AR_mean"])
    crossed = folder / "expected_cross_category.json"
    for name, values in (json.loads(crossed.read_text()) if crossed.is_file() else {}).items():
        kind, _, wanted = name.partition(".")
        evaluated = [int(word) for word in wanted.split("_") if word.isdigit()]
        recall = cross_category_recall(gt, results, evaluated, values["max_det"], kind=_kind(kind))
        yield _pair(f"{name}/AR", recall.mean(axis=0), values["AR"])
        yield _pair(f"{name}/recall_iou50", recall[0], values["recall_iou50"])


def _kind(word: str) -> Any:
    if word not in ("bbox", "segm"):
        raise RecordError(f"unknown kind of COCO score {word!r} in expected.json: bbox or segm.")
    return word


def _otb(folder: Path, expected: Mapping[str, Any]) -> Triples:
    sequences: dict[str, Curves] = {}
    for name, values in expected.items():
        if name == "overall":
            continue
        found = one_pass(read_otb(folder / f"{name}_groundtruth_rect.txt"), read_otb(folder / f"{name}_tracker.txt"))
        sequences[name] = found
        yield _pair(f"{name}/ious", found.ious, values["ious"])
        yield _pair(f"{name}/center_errors", found.errors, values["center_errors"])
        yield _pair(f"{name}/success_curve", found.success, values["success_curve"])
        yield _pair(f"{name}/precision_curve", found.precision, values["precision_curve"])
        for number, value in found.numbers.items():
            yield _pair(f"{name}/{number}", value, values[number])
    for number, value in overall(sequences).items():
        yield _pair(f"overall/{number}", value, expected["overall"][number])


def _track_map(folder: Path, expected: Mapping[str, Any]) -> Triples:
    data, results = (json.loads((folder / name).read_text()) for name in ("gt.json", "results.json"))
    videos = {}
    for video in data["videos"]:
        gt = [_mask_track(item) for item in data["annotations"] if item["video_id"] == video["id"]]
        pred = [_mask_track(item) for item in results if item["video_id"] == video["id"]]
        videos[str(video["id"])] = VideoTracks.compare(gt, pred)
    for video_id, table in expected["track_iou"].items():
        yield _pair(f"track_iou/{video_id}", videos[video_id].overlap, table)
    for name, values in expected.items():
        if name.startswith("max_det_"):
            thresholds = np.asarray(values["iou_thresholds"], np.float64)
            ap, ar = track_ap(list(videos.values()), int(name.rpartition("_")[2]), thresholds)
            yield _pair(f"{name}/AP", ap, values["AP"])
            yield _pair(f"{name}/AR", ar, values["AR"])
            yield _pair(f"{name}/AP_mean", ap.mean(), values["AP_mean"])
            yield _pair(f"{name}/AR_mean", ar.mean(), values["AR_mean"])


def _mask_track(item: Mapping[str, Any]) -> MaskTrack:
    masks = tuple(None if mask is None else decode_mask(mask) for mask in item["segmentations"])
    return MaskTrack(masks, float(item.get("score", 1.0)), bool(item.get("iscrowd", 0)))


def _has_videos(folder: Path) -> bool:
    return (folder / "gt.json").is_file() and "videos" in json.loads((folder / "gt.json").read_text())


_READERS: list[tuple[Callable[[Path], bool], Callable[[Path, Any], Triples]]] = [
    (lambda folder: any(folder.glob("*/tracker.txt")), _mot),
    (lambda folder: (folder / "detections.csv").is_file(), _ava),
    (lambda folder: any(folder.glob("*_groundtruth_rect.txt")), _otb),
    (_has_videos, _track_map),
    (lambda folder: (folder / "gt.json").is_file(), _coco),
]
