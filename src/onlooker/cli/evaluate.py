"""`onlooker evaluate`: the numbers that the field reports, from the files that the field exchanges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
