"""`onlooker export`: a trained model as a graph for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="The method, or its weights (FILE.safetensors, hf://...).")],
    out: Annotated[Path, typer.Argument(help="The file to write: .pt2 or .onnx.")],
    weights: Annotated[str | None, typer.Option(help="The weights, where the name is a method.")] = None,
    format_: Annotated[str, typer.Option("--format", help="'torch' (torch.export) or 'onnx'.")] = "torch",
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write a clip classifier as a graph, with labels and preprocessing in it, and check that it agrees.

    Example: onlooker export k400.safetensors k400.pt2
    Example: onlooker export timesformer --weights k400.safetensors --format onnx k400.onnx
    """
    from onlooker.cli.display import say_json
    from onlooker.methods.export import export as write

    done = write(name, out, weights=weights, format=format_)
    if json_:
        say_json(done.to_dict())
        return
    shape = " x ".join(map(str, done.shape))
    checked = "not run here (pip install 'onlooker[onnx]')" if done.apart is None else f"logits {done.apart:.1e} apart"
    typer.echo(f"{done.out}: {done.source}, input {shape}, {checked}")
