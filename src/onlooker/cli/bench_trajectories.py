"""`onlooker bench trajectories`: the speed of dense trajectories against real time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def trajectories(
    video: Annotated[Path | None, typer.Option(help="A video; by default a street is rendered.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="How much of it.")] = 8.0,
    repeat: Annotated[int, typer.Option(min=1, help="Timed repetitions per variant, after one warm-up.")] = 3,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Time dense trajectories at 320 x 240, frames to Fisher vector, with camera compensation and without.

    Exit code 1 when the improved variant is slower than real time.

    Example: onlooker bench trajectories
    Example: onlooker bench trajectories --video clip.mp4 --json
    """
    from onlooker.methods.recognition.dense_trajectories.speed import trajectories_benchmark

    result = trajectories_benchmark(video=video, seconds=seconds, repeat=repeat)
    if json_:
        from onlooker.cli.display import say_json

        say_json(result)
    else:
        _show(result)
    raise typer.Exit(0 if result["variants"]["improved"]["ratio"] > 1 else 1)


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    width, height = result["size"]
    title = (
        f"{result['input']}, {width} x {height}, {result['rate']:.2f} frames/s. Ratios above 1: faster than real time."
    )
    table = Table(title=title)
    for column in ("variant", "frames/s", "ratio", "best ratio", "two free cores", "trajectories"):
        table.add_column(column, justify="left" if column == "variant" else "right")
    for name, cell in result["variants"].items():
        ratios = [f"{cell[key]:.2f}" for key in ("frames_per_second", "ratio", "ratio_best", "ratio_two_cores")]
        table.add_row(name, *ratios, str(cell["trajectories"]))
    console = Console(highlight=False, markup=False)
    console.print(table)
    machine = result["machine"]
    console.print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']} to {result['load_after']}")
