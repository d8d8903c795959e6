"""`onlooker evaluate`: the numbers that the field reports, from the files that the field exchanges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onlooker.analysis.evaluation import ClassResult

app = typer.Typer(no_args_is_help=True, help="Score predictions against ground truth.")

Truth = Annotated[Path, typer.Option("--gt", help="Ground truth.")]
Predictions = Annotated[Path, typer.Option("--pred", help="Predictions.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def mot(
    gt: Truth,
    pred: Predictions,
    benchmark: Annotated[str | None, typer.Option(help="MOT15, MOT16, MOT17 or MOT20: its preprocessing.")] = None,
    convention: Annotated[str, typer.Option(help="'trackeval' or 'motmetrics'.")] = "trackeval",
    json_: Json = False,
) -> None:
    """Tracking: HOTA, CLEAR-MOT and identity scores of MOTChallenge files, or of folders with a sequence each.

    Example: onlooker evaluate mot --gt gt.txt --pred pred.txt
    """
    from onlooker.cli.display import say_json, say_report
    from onlooker.metrics.tracking import evaluate_mot

    scores = evaluate_mot(gt, pred, benchmark=benchmark, convention=convention)  # type: ignore[arg-type]
    if json_:
        say_json({"convention": convention, "scores": scores})
    else:
        say_report({name: dict(values) for name, values in scores.items()})


@app.command()
def coco(
    gt: Truth,
    pred: Predictions,
    masks: Annotated[bool, typer.Option(help="Compare masks instead of boxes.")] = False,
    class_agnostic: Annotated[bool, typer.Option(help="Pool all categories of an image.")] = False,
    json_: Json = False,
) -> None:
    """Detection: the twelve numbers of COCO.

    Example: onlooker evaluate coco --gt instances.json --pred results.json
    """
    from onlooker.cli.display import say_json, say_report
    from onlooker.metrics.detection import evaluate_coco

    scores = evaluate_coco(gt, pred, kind="segm" if masks else "bbox", class_agnostic=class_agnostic)
    say_json(scores) if json_ else say_report(scores)


@app.command()
def ava(
    gt: Truth,
    pred: Predictions,
    labels: Annotated[Path, typer.Option(help="The label map (.pbtxt) of the evaluated actions.")],
    excluded: Annotated[Path | None, typer.Option(help="Timestamps to leave out.")] = None,
    json_: Json = False,
) -> None:
    """Action detection: AVA's frame-mAP.

    Example: onlooker evaluate ava --gt val.csv --pred detections.csv --labels actions.pbtxt
    """
    from onlooker.cli.display import say_json, say_report
    from onlooker.metrics.detection import evaluate_ava
    from onlooker.records.formats.ava import read_label_map

    scores = evaluate_ava(gt, pred, read_label_map(labels), excluded)
    say_json(scores) if json_ else say_report(scores)


@app.command()
def recognition(
    weights: Annotated[str, typer.Option(help="A clip classifier: FILE.safetensors or hf://...")],
    data: Annotated[Path, typer.Option(help="A recipe (.yaml), a Kinetics-style list, or a folder per class.")],
    method: Annotated[str | None, typer.Option(help="Which method it is, where the file has no card.")] = None,
    split: Annotated[str, typer.Option(help="Of a recipe train or val, of a published list its rows.")] = "val",
    root: Annotated[Path | None, typer.Option(help="Where the paths of a list begin; its folder by default.")] = None,
    clips: Annotated[int, typer.Option(min=1, help="Moments of each video.")] = 1,
    crops: Annotated[int | None, typer.Option(min=1, help="Squares of each moment; as the weights say.")] = None,
    json_: Json = False,
) -> None:
    """Clip recognition: top-1, top-5 and mAP over several views, per class, and what is taken for what.

    Videos that cannot be read are named and left out; the exit code is 1 then.

    Example: onlooker evaluate recognition --weights k400.safetensors --data val.csv --clips 10
    """
    from onlooker.analysis.evaluation import evaluate_recognition
    from onlooker.analysis.job import Progress
    from onlooker.cli.display import job_progress, say_json, say_report

    with job_progress(data.name, quiet=json_) as tell:
        found = evaluate_recognition(
            weights, data, method=method, split=split, root=root, clips=clips, crops=crops,
            progress=lambda done, total: tell(Progress("evaluate", done, total)),
        )  # fmt: skip
    if json_:
        say_json(found.to_dict())
    else:
        say_report({"videos": found.videos, **found.figures})
        say_report({"by class": {one.label: _class_line(one) for one in found.classes}})
        if found.confusions:
            said = {f"{right} taken for {said}": count for right, said, count in found.confusions}
            say_report({"confusions": said})
        for one in found.broken:
            typer.echo(f"not read, and not counted: {one.video}: {one.error}", err=True)
    if found.broken:
        raise typer.Exit(1)


def _class_line(one: ClassResult) -> str:
    right = "" if one.accuracy is None else f"{one.accuracy:.3f} right, "
    return f"{right}AP {one.ap:.3f} of {one.videos}" if one.ap is not None else "no video"
