"""`onlooker search`: find moments in runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def search(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or folders of them, with a table embeddings.")],
    like: Annotated[str, typer.Option(help="A clip that shows what to look for.")],
    backbone: Annotated[
        str, typer.Option(help="What the embeddings were made with: a method or a weights file.")
    ] = "dense_trajectories",
    weights: Annotated[str | None, typer.Option(help="Its weights, where it needs some.")] = None,
    most: Annotated[int, typer.Option("--top", min=1, help="How many moments to show.")] = 10,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find the moments that look most like a clip, by the embeddings that `onlooker extract` wrote.

    Example: onlooker search features/ --like wave.mp4 --backbone k400.safetensors
    """
    from onlooker.analysis.search import search_like
    from onlooker.cli.display import say_json

    found = search_like(like, runs, backbone=backbone, weights=weights, most=most)
    if json_:
        say_json({"like": like, "matches": [one.to_dict() for one in found]})
        return
    if not found:
        typer.echo("Nothing to compare with: in none of the runs' windows anything moves.")
    for one in found:
        who = "" if one.track_id is None else f"  person {one.track_id}"
        typer.echo(f"{one.similarity:6.3f}  {one.video}  {one.start:.1f} to {one.end:.1f} s{who}")
