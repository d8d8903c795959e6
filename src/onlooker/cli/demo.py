"""`onlooker demo`: a first result with nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the scene and its run.")] = Path("onlooker-demo"),
    seconds: Annotated[float, typer.Option(min=1, help="Length of the scene.")] = 30.0,
    people: Annotated[int, typer.Option(min=0, help="How many walk through it.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed, another street.")] = 7,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Render a small street scene, analyse it, compare with the truth, name the report.

    Example: onlooker demo
    """
    from onlooker.analysis.demo import demonstrate
    from onlooker.cli.display import job_progress, say_json

    with job_progress("demo", quiet=json_) as progress:
        done = demonstrate(out, seconds=seconds, people=people, seed=seed, progress=progress)
    report = done.run.folder / "report.html"
    if json_:
        say_json(
            {"report": str(report), "run": str(done.run.folder), "video": str(done.video), "accuracy": done.accuracy}
        )
        return
    counted, scores = done.accuracy["people"], done.accuracy
    typer.echo(f"{counted['found']} people found, {counted['truth']} are in the scene.")
    typer.echo(
        f"Against the exact truth: MOTA {scores['MOTA']:.2f}, IDF1 {scores['IDF1']:.2f}, HOTA {scores['HOTA']:.2f} "
        "(embedded detector: low accuracy)."
    )
    typer.echo(f"Report: {report}")
