"""What must hold of any tracking score, and agreement with TrackEval where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import sequence, table, tracked, walkers

from onlooker.errors import ConfigError, RecordError, StorageError
from onlooker.metrics import evaluate, evaluate_mot
from onlooker.metrics.clear import clear, identity
from onlooker.metrics.clear_motmetrics import clear_motmetrics
from onlooker.metrics.hota import ALPHAS, hota, summarise
from onlooker.metrics.sequences import Boxes, TrackingSequence, make_sequence
from onlooker.metrics.tracking import score_sequences

seeds = st.integers(0, 10_000)
EMPTY = Boxes(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)))


def line(ids: list[int], box: tuple[float, ...] = (0, 0, 10, 10)) -> Boxes:
    """One object that stands still and is called by these ids, frame by frame; -1 for absent."""
    frames = np.array([i for i, number in enumerate(ids) if number >= 0], int)
    return Boxes(frames, np.array([n for n in ids if n >= 0], int), np.tile(box, (len(frames), 1)).astype(float))


def join(*parts: Boxes) -> Boxes:
    return Boxes(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("frames", "ids", "xyxy")))


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_a_perfect_tracker(seed: int) -> None:
    gt = walkers(seed)
    score = score_sequences({"a": make_sequence(gt, gt)})["COMBINED"]
    assert score["HOTA"] == pytest.approx(1)
    assert (score["MOTA"], score["IDF1"], score["IDSW"], score["MOTP"]) == (1, 1, 0, pytest.approx(1))
    old = clear_motmetrics(make_sequence(gt, gt))
    assert (old["mota"], old["idf1"], old["motp"]) == (1, 1, pytest.approx(0))


def test_swapping_two_ids_in_the_middle() -> None:
    far = (100.0, 0.0, 110.0, 10.0)
    gt = join(line([0] * 10), line([1] * 10, far))
    swapped = join(line([0] * 5 + [1] * 5), line([1] * 5 + [0] * 5, far))
    score = score_sequences({"a": make_sequence(gt, swapped)})["a"]
    assert score["DetA"] == pytest.approx(1)
    assert score["IDSW"] == 2
    assert score["MOTA"] == pytest.approx(1 - 2 / 20)
    assert score["IDF1"] == pytest.approx(0.5)
    assert score["AssA"] == pytest.approx(1 / 3)  # 5 / (10 + 10 - 5)
    assert score["Frag"] == 0


def test_small_cases_by_hand() -> None:
    gap = clear(make_sequence(line([0] * 10), line([5, 5, 5, -1, 5, 5, 5, 5, 5, 5])))
    assert (gap["CLR_TP"], gap["CLR_FN"], gap["Frag"], gap["IDSW"], gap["MT"]) == (9, 1, 0, 0, 1)
    # a frame without predictions leaves the memory untouched; one with predictions elsewhere does not
    elsewhere = join(line([5, 5, 5, -1, 5, 5, 5, 5, 5, 5]), line([9] * 10, (500, 500, 510, 510)))
    assert clear(make_sequence(line([0] * 10), elsewhere))["Frag"] == 1
    assert clear(make_sequence(line([0] * 10), line([5] * 8)))["MT"] == 0  # 0.8 is not more than 0.8
    assert clear_motmetrics(make_sequence(line([0] * 10), line([5] * 8)))["mostly_tracked"] == 1
    assert clear(make_sequence(line([0] * 10), line([5] * 2)))["PT"] == 1
    assert clear(make_sequence(line([0] * 10), line([5])))["ML"] == 1


def test_the_two_conventions_remember_differently() -> None:
    """After a gap the old partner is back but a newcomer overlaps more: only py-motmetrics stays with the old one."""
    near, exact = (1.0, 0.0, 11.0, 10.0), (0.0, 0.0, 10.0, 10.0)
    pred = join(line([7, 7, -1, 7], near), line([-1, -1, -1, 8], exact), line([-1, -1, 9, -1], (90, 0, 99, 9)))
    found = make_sequence(line([0] * 4), pred)
    assert clear(found)["IDSW"] == 1
    assert clear_motmetrics(found)["num_switches"] == 0


@pytest.mark.parametrize(("gt", "pred"), [(walkers(1), EMPTY), (EMPTY, walkers(1)), (EMPTY, EMPTY)])
def test_nothing_there(gt: Boxes, pred: Boxes) -> None:
    score = score_sequences({"a": make_sequence(gt, pred, 30)})["COMBINED"]
    assert all(np.isfinite(value) for value in score.values())
    assert score["HOTA"] == score["IDF1"] == 0
    assert (score["CLR_FN"], score["CLR_FP"]) == (len(gt.frames), len(pred.frames))


def test_mota_can_be_negative() -> None:
    assert clear(make_sequence(line([0] * 3), join(*(line([n] * 3, (90, 0, 99, 9)) for n in range(4)))))["MOTA"] == -4


@given(seeds, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_names_order_and_doubling_do_not_matter_to_hota(seed: int, random: Any) -> None:
    gt = walkers(seed)
    pred = tracked(gt, seed)
    reference = summarise(hota(make_sequence(gt, pred, 30)))["HOTA"]
    names = dict(zip(np.unique(pred.ids).tolist(), random.sample(range(10**6), len(np.unique(pred.ids))), strict=True))
    renamed = Boxes(pred.frames, np.array([names[n] for n in pred.ids.tolist()], int), pred.xyxy)
    assert summarise(hota(make_sequence(gt, renamed, 30)))["HOTA"] == pytest.approx(reference, abs=1e-9)
    backwards = [Boxes(29 - part.frames, part.ids, part.xyxy) for part in (gt, pred)]
    assert summarise(hota(make_sequence(*backwards, 30)))["HOTA"] == pytest.approx(reference, abs=1e-9)
    twice = [
        Boxes(np.concatenate([part.frames * 2, part.frames * 2 + 1]), np.tile(part.ids, 2), np.tile(part.xyxy, (2, 1)))
        for part in (gt, pred)
    ]
    assert summarise(hota(make_sequence(*twice, 60)))["HOTA"] == pytest.approx(reference, abs=1e-9)


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_relations_between_the_numbers(seed: int) -> None:
    made = sequence(seed)
    curve, old, ids = hota(made), clear(made), identity(made)
    assert np.allclose(curve["HOTA_TP"] + curve["HOTA_FN"], made.gt_boxes)
    assert (np.diff(curve["HOTA_TP"]) <= 0).all()
    assert np.allclose(curve["HOTA"] ** 2, curve["DetA"] * curve["AssA"])
    assert old["MT"] + old["PT"] + old["ML"] == made.gt_count
    assert ids["IDTP"] <= old["CLR_TP"]
    assert old["MOTA"] <= old["MODA"] <= 1
    both = score_sequences({"a": made, "b": made})
    assert both["COMBINED"]["HOTA"] == pytest.approx(both["a"]["HOTA"])
    assert both["COMBINED"]["MOTA"] == pytest.approx(both["a"]["MOTA"])
    assert both["COMBINED"]["IDSW"] == 2 * both["a"]["IDSW"]


def as_trackeval(made: TrackingSequence) -> dict[str, Any]:
    return {
        "num_timesteps": made.frames,
        "num_gt_ids": made.gt_count,
        "num_tracker_ids": made.pred_count,
        "num_gt_dets": made.gt_boxes,
        "num_tracker_dets": made.pred_boxes,
        "gt_ids": list(made.gt_ids),
        "tracker_ids": list(made.pred_ids),
        "similarity_scores": list(made.similarity),
    }


@pytest.mark.parametrize("seed", range(12))
def test_agreement_with_trackeval(seed: int) -> None:
    trackeval = pytest.importorskip("trackeval")
    made = sequence(seed, miss=0.05 * (seed % 5), noise=3.0 * (seed % 4), confuse=0.1 * (seed % 3))
    data = as_trackeval(made)
    quiet = {"PRINT_CONFIG": False}
    theirs = trackeval.metrics.HOTA(quiet).eval_sequence(data)
    for name, values in hota(made).items():
        assert np.allclose(values, theirs[name], atol=1e-9), name
    for ours, reference in (
        (clear(made), trackeval.metrics.CLEAR(quiet).eval_sequence(data)),
        (identity(made), trackeval.metrics.Identity(quiet).eval_sequence(data)),
    ):
        for name, value in ours.items():
            assert value == pytest.approx(reference[name], abs=1e-9), name
    assert np.allclose(ALPHAS, trackeval.metrics.HOTA(quiet).array_labels)


def test_tables_of_two_videos() -> None:
    import pyarrow as pa

    first, second = walkers(1), walkers(2)
    gt = pa.concat_tables([table(first, "a"), table(second, "b")])
    pred = pa.concat_tables([table(second, "b"), table(first, "a")])
    assert evaluate(gt, pred)["HOTA"] == pytest.approx(1)
    assert evaluate(gt, table(first, "a"))["CLR_FN"] == len(second.frames)
    assert evaluate(table(first, "a"), gt)["CLR_FP"] == len(second.frames)
    scores = evaluate_mot(gt, table(tracked(first), "a"))
    assert set(scores) == {"a", "b", "COMBINED"}
    loose = evaluate(table(first, "a"), table(tracked(first), "a"), iou=0.3)
    assert loose["CLR_TP"] >= evaluate(table(first, "a"), table(tracked(first), "a"))["CLR_TP"]


def write(path: Path, rows: list[tuple[float, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


class TestFiles:
    # frame, id, box, flag, class, visibility: a pedestrian, an ignored one, a reflection, a car
    GT = (
        (1, 1, 1, 1, 10, 10, 1, 1, 1),
        (1, 2, 101, 1, 10, 10, 0, 1, 1),
        (1, 3, 201, 1, 10, 10, 0, 12, 1),
        (1, 4, 301, 1, 10, 10, 1, 3, 1),
        (1, 5, 401, 1, 10, 10, 1, 6, 1),
    )
    PRED = tuple((1, n, x, 1, 10, 10, 0.9, -1, -1, -1) for n, x in enumerate((1, 101, 201, 301, 401), 1))

    def score(self, folder: Path, benchmark: Any) -> dict[str, float]:
        gt = write(folder / "gt.txt", list(self.GT))
        pred = write(folder / "p.txt", list(self.PRED))
        return evaluate_mot(gt, pred, benchmark=benchmark)["COMBINED"]

    def test_preprocessing(self, tmp_path: Path) -> None:
        mot17 = self.score(tmp_path, "MOT17")  # the reflection's box is deleted, three others are false
        assert (mot17["CLR_TP"], mot17["CLR_FN"], mot17["CLR_FP"]) == (1, 0, 3)
        assert self.score(tmp_path, "MOT20")["CLR_FP"] == 2  # class 6 too
        plain = self.score(tmp_path, "MOT15")  # only the flag counts
        assert (plain["CLR_TP"], plain["CLR_FP"]) == (3, 2)
        assert self.score(tmp_path, None) == plain

    def test_agreement_with_trackeval_preprocessing(self, tmp_path: Path) -> None:
        trackeval = pytest.importorskip("trackeval")
        sequence_folder = tmp_path / "gt" / "MOT17-train" / "S-1"
        random = np.random.default_rng(0)
        gt_rows, pred_rows = [], []
        for number in range(1, 14):
            for frame in range(1, 21):
                x, y = 40.0 * number + frame, 50.0
                box = (round(x, 2), y, 30, 60)
                flag = 1 if number % 4 else 0
                gt_rows.append((frame, number, *box, flag, number, 1))
                if random.random() > 0.2:
                    moved = (round(x + random.normal(0, 4), 2), y, 30, 60)
                    pred_rows.append((frame, number + 20 * (frame > 10 and number == 1), *moved, 1, -1, -1, -1))
        gt = write(sequence_folder / "gt" / "gt.txt", gt_rows)
        (sequence_folder / "seqinfo.ini").write_text(
            "[Sequence]\nname=S-1\nimDir=img1\nframeRate=30\nseqLength=20\nimWidth=900\nimHeight=200\nimExt=.jpg\n"
        )
        pred = write(tmp_path / "pred" / "MOT17-train" / "me" / "data" / "S-1.txt", pred_rows)
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                "GT_FOLDER": str(tmp_path / "gt"),
                "TRACKERS_FOLDER": str(tmp_path / "pred"),
                "SEQ_INFO": {"S-1": None},
                "PRINT_CONFIG": False,
            }
        )
        data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("me", "S-1"), "pedestrian")
        theirs = trackeval.metrics.CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
        ours = evaluate_mot(gt, pred, benchmark="MOT17")["COMBINED"]
        assert ours["CLR_FP"] > 0
        for name in ("CLR_TP", "CLR_FN", "CLR_FP", "IDSW", "MOTA", "MOTP", "Frag", "CLR_Frames"):
            assert ours[name] == pytest.approx(theirs[name], abs=1e-9), name

    def test_folders_of_sequences(self, tmp_path: Path) -> None:
        for name in ("S-1", "S-2"):
            write(tmp_path / "gt" / name / "gt" / "gt.txt", list(self.GT))
            write(tmp_path / "pred" / f"{name}.txt", list(self.PRED))
        scores = evaluate_mot(tmp_path / "gt", tmp_path / "pred", benchmark="MOT17")
        assert list(scores) == ["S-1", "S-2", "COMBINED"]
        old = evaluate_mot(tmp_path / "gt", tmp_path / "pred", convention="motmetrics")
        assert old["COMBINED"]["num_misses"] == 0
        (tmp_path / "pred" / "S-2.txt").unlink()
        with pytest.raises(StorageError, match=r"no S-2\.txt"):
            evaluate_mot(tmp_path / "gt", tmp_path / "pred")

    def test_what_is_wrong_is_named(self, tmp_path: Path) -> None:
        gt = write(tmp_path / "gt.txt", [(1, 1, 1, 1, 5, 5, 1, -1, -1, -1)])
        twice = write(tmp_path / "p.txt", [(1, 1, 1, 1, 5, 5, 1), (1, 1, 2, 1, 5, 5, 1)])
        with pytest.raises(RecordError, match=r"p\.txt:2: this id is already in this frame"):
            evaluate_mot(gt, twice)
        good = write(tmp_path / "q.txt", [(9, 1, 1, 1, 5, 5, 1)])
        with pytest.raises(RecordError, match="frame 9"):
            evaluate_mot(gt, good, frames=5)
        with pytest.raises(RecordError, match=r"gt\.txt:1: MOT17 needs the class"):
            evaluate_mot(gt, good, benchmark="MOT17")
        with pytest.raises(ConfigError, match="MOT99"):
            evaluate_mot(gt, good, benchmark="MOT99")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="both"):
            evaluate_mot(gt, table(walkers()))
        with pytest.raises(StorageError, match="holds no sequences"):
            evaluate_mot(tmp_path, tmp_path)
