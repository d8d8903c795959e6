"""`onlooker weights`: convert checkpoints to safetensors, and look into them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Convert checkpoints to safetensors, and look into them.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="An official checkpoint: .pth, .pyth, .pt, .ckpt, .bin, .safetensors.")],
    method: Annotated[str, typer.Option(help="Which method it is for (see `onlooker methods`).")],
    out: Annotated[Path, typer.Option(help="The safetensors file to write.")],
    layout: Annotated[str, typer.Option(help="Whose names it has (default: recognised).")] = "",
    variant: Annotated[str, typer.Option(help="The published variant that it must be.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="A number of the configuration: heads=4.")] = None,
    cast: Annotated[bool, typer.Option("--cast", help="Let float16 and other floats become float32.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Print a line per tensor.")] = False,
    json_: Json = False,
) -> None:
    """Open a checkpoint in a sandbox, check every tensor, write safetensors.

    Example: onlooker weights convert official.pyth --method timesformer --out timesformer.safetensors
    """
    from onlooker.cli.display import say_json
    from onlooker.methods.conversion import convert as convert_file
    from onlooker.methods.conversion import split_settings

    done = convert_file(
        file, method, out, layout=layout, variant=variant, settings=split_settings(set_ or []), cast=cast
    )
    if json_:
        say_json(done.to_dict())
    else:
        for line in done.lines(keys=keys):
            typer.echo(line)


@app.command()
def show(
    file: Annotated[str, typer.Argument(help="A safetensors file, or hf://org/name[@revision]/file.")],
    commercial: Annotated[bool, typer.Option("--commercial", help="Fail unless all licences allow it.")] = False,
    json_: Json = False,
) -> None:
    """Check a file's header; print its card, its digest and its tensors.

    Example: onlooker weights show timesformer.safetensors
    """
    from onlooker.cli.display import say_json
    from onlooker.weights.inspecting import inspect, inspection_lines

    found = inspect(file, commercial=commercial)
    if json_:
        say_json(found)
    else:
        for line in inspection_lines(found):
            typer.echo(line)
