"""Multi-object tracking: HOTA, CLEAR and identity scores over tables, files and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from onlooker.errors import ConfigError, StorageError
from onlooker.metrics.clear import clear, combine_clear, combine_identity, identity
from onlooker.metrics.clear_motmetrics import clear_motmetrics, combine_motmetrics
from onlooker.metrics.hota import combine_hota, hota, summarise
from onlooker.metrics.sequences import DISTRACTORS, Boxes, TrackingSequence, make_sequence, prepare_mot
from onlooker.records.formats.mot import find_sequence_info, read_mot_rows

Convention = Literal["trackeval", "motmetrics"]
Result = dict[str, float]
COMBINED = "COMBINED"


def evaluate(gt: pa.Table, pred: pa.Table, iou: float = 0.5) -> Result:
    """HOTA, MOTA, IDF1 and their parts of a `tracks` table against the truth, all videos of the tables together.

    Boxes meet in the same `video` and `frame`; labels are not compared. `iou` is the threshold of MOTA and IDF1 (HOTA
    takes all). Names are TrackEval's; HOTA and its parts are means over the thresholds.

        score = evaluate(truth.tracks, run.tracks)
        score["HOTA"], score["MOTA"], score["IDSW"], score["IDF1"]
    """
    videos = sorted(set(gt.column("video").unique().to_pylist()) | set(pred.column("video").unique().to_pylist()))
    sequences = {video: make_sequence(_of_video(gt, video), _of_video(pred, video)) for video in videos}
    return score_sequences(sequences, iou=iou)[COMBINED]


def _of_video(table: pa.Table, video: str) -> Boxes:
    return Boxes.from_table(table.filter(pc.equal(table.column("video"), video)))


def evaluate_mot(
    gt: str | Path | pa.Table,
    pred: str | Path | pa.Table,
    *,
    benchmark: Literal["MOT15", "MOT16", "MOT17", "MOT20"] | None = None,
    convention: Convention = "trackeval",
    frames: int | None = None,
) -> dict[str, Result]:
    """Scores per sequence and `COMBINED`, from MOTChallenge files, folders of sequences, or `tracks` tables.

    A folder of ground truth holds `SEQ/gt/gt.txt` or `SEQ/gt.txt`; one of predictions holds `SEQ.txt` or
    `SEQ/tracker.txt`. `benchmark` applies that challenge's preprocessing. `frames` is the length of a single sequence;
    without it `seqinfo.ini` is asked, and without that the last box ends the video.
    Errors: RecordError with file and line, StorageError for a sequence without predictions.
    """
    if benchmark is not None and benchmark not in DISTRACTORS:
        raise ConfigError(f"unknown benchmark {benchmark!r}: choose one of {', '.join(DISTRACTORS)}.")
    if isinstance(gt, pa.Table) != isinstance(pred, pa.Table):
        raise ConfigError("give ground truth and predictions both as tables or both as files.")
    if isinstance(gt, pa.Table):
        videos = gt.column("video").unique().to_pylist()
        tables = {v: make_sequence(_of_video(gt, v), _of_video(pred, v), frames) for v in sorted(videos)}
        return score_sequences(tables, convention=convention)
    pairs = _pairs(Path(gt), Path(pred))
    sequences = {name: read_sequence(*files, benchmark=benchmark, frames=frames) for name, files in pairs.items()}
    return score_sequences(sequences, convention=convention)


def read_sequence(
    gt: str | Path, pred: str | Path, *, benchmark: str | None = None, frames: int | None = None
) -> TrackingSequence:
    """One sequence from its two files, preprocessed as the benchmark demands."""
    info = find_sequence_info(Path(gt))
    truth, found = prepare_mot(read_mot_rows(gt), read_mot_rows(pred), benchmark, Path(gt).name)
    return make_sequence(truth, found, frames if frames is not None else info.length if info else None)


def _pairs(gt: Path, pred: Path) -> dict[str, tuple[Path, Path]]:
    if not gt.is_dir():
        return {gt.stem if gt.stem != "gt" else gt.resolve().parent.name: (gt, pred)}
    found: dict[str, tuple[Path, Path]] = {}
    for folder in sorted(path for path in gt.iterdir() if path.is_dir()):
        truth = next((path for path in (folder / "gt" / "gt.txt", folder / "gt.txt") if path.is_file()), None)
        if truth is None:
            continue
        candidates = (pred / f"{folder.name}.txt", pred / folder.name / "tracker.txt")
        result = next((path for path in candidates if path.is_file()), None)
        if result is None:
            raise StorageError(f"{pred} has no {folder.name}.txt: every sequence of the ground truth needs its result.")
        found[folder.name] = (truth, result)
    if not found:
        raise StorageError(f"{gt} holds no sequences: expected folders with gt/gt.txt.")
    return found


def score_sequences(
    sequences: Mapping[str, TrackingSequence], *, iou: float = 0.5, convention: Convention = "trackeval"
) -> dict[str, Result]:
    """Scores of each sequence under its name and of all together under `COMBINED`.

    "trackeval" gives HOTA, CLEAR and Identity; "motmetrics" gives CLEAR and Identity under py-motmetrics' names.
    """
    if convention == "motmetrics":
        old = {name: clear_motmetrics(sequence, iou) for name, sequence in sequences.items()}
        return old | {COMBINED: combine_motmetrics(list(old.values()))}
    if convention != "trackeval":
        raise ConfigError(f"unknown convention {convention!r}: choose trackeval or motmetrics.")
    hotas = {name: hota(sequence) for name, sequence in sequences.items()}
    clears = {name: clear(sequence, iou) for name, sequence in sequences.items()}
    ids = {name: identity(sequence, iou) for name, sequence in sequences.items()}
    hotas[COMBINED] = combine_hota(list(hotas.values()))
    clears[COMBINED] = combine_clear(list(clears.values()))
    ids[COMBINED] = combine_identity(list(ids.values()))
    return {name: summarise(hotas[name]) | clears[name] | ids[name] for name in hotas}
