"""`onlooker train`: run a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A YAML recipe; see the recipes folder.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="Values to change, as key=value.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; runs/NAME by default. An interrupted run in it goes on.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; the best there is by default.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check recipe and data, train nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train a method by a recipe: checkpoints, curves, accuracy.

    Example: onlooker train recipes/timesformer/world.yaml optimizer.lr=0.01
    """
    from onlooker.analysis.job import Progress
    from onlooker.cli.display import job_progress, say_json
    from onlooker.training.recipe import load_recipe

    asked = load_recipe(recipe, overrides or [])
    if check:
        from onlooker.training.run import check_data

        report = check_data(asked)
        if json_:
            say_json(report)
        else:
            typer.echo(f"{asked.name}: {report['train']} videos to train on, {report['val']} to test, no faults")
            for warning in report["warnings"]:
                typer.echo(f"  {warning}", err=True)
        return
    from onlooker.training.run import train as run_training

    # torchrun starts this command several times; the first process speaks for all
    first = os.environ.get("RANK", "0") == "0"
    with job_progress(asked.name, quiet=json_ or not first) as tell:
        result = run_training(
            asked,
            out or Path("runs") / asked.name,
            device=device,
            tell=lambda phase, done, total: tell(Progress(phase, done, total)),
        )
    if not first:
        return
    if json_:
        say_json(result.to_dict())
        return
    accuracy = result.accuracy
    name, value = accuracy.figure
    typer.echo(f"{asked.name}: {name} {value:.3f} (best {result.best:.3f}) on {accuracy.videos} videos")
    typer.echo(f"  {result.steps} steps, {result.bad_steps} skipped, {result.seconds:.0f} s")
    for name in ("model.safetensors", "curves.html"):
        typer.echo(f"  {result.folder / name}")
    for warning in result.warnings:
        typer.echo(f"  {warning}", err=True)
