"""`onlooker attention`: where in a clip a classifier looks, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def attention(
    name: Annotated[str, typer.Argument(help="The method, or its weights (FILE.safetensors, hf://...).")],
    video: Annotated[Path, typer.Argument(help="The video to look at; the model sees the middle clip of it.")],
    out: Annotated[Path, typer.Argument(help="The picture to write: .png or .jpg.")],
    weights: Annotated[str | None, typer.Option(help="The weights, where the name is a method.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Draw where in a clip a classifier looks: the frames it saw, and the same under a map of heat.

    Example: onlooker attention k400.safetensors clip.mp4 attention.png
    """
    from onlooker.analysis.attention_sheet import save_attention
    from onlooker.cli.display import say_json
    from onlooker.methods.recognition.attention_maps import attend
    from onlooker.methods.recognition.recogniser import open_recogniser

    found = attend(open_recogniser(name, weights).model, video)
    path = save_attention(found, out)
    best = found.prediction.top(3)
    if json_:
        say_json({"out": str(path), "top": best, "largest": float(found.shares.max())})
        return
    answers = ", ".join(f"{label} {score:.2f}" for label, score in best)
    typer.echo(f"{path}: {answers}; it looks up to {found.shares.max():.1f} times more somewhere than evenly")
