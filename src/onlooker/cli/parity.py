"""`onlooker parity`: does our code reproduce recorded outputs of the original?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def parity(
    folder: Annotated[Path, typer.Argument(help="A fixture, or a folder of fixtures.")],
    method: Annotated[str | None, typer.Option(help="Which method (default: known from the path).")] = None,
    tol: Annotated[float | None, typer.Option(help="Absolute tolerance (default: the README's, else 1e-4).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare with recorded reference outputs; exit 1 when one is over tolerance.

    Example: onlooker parity fixtures/timesformer
    """
    from onlooker.cli.display import say_json
    from onlooker.methods.parity import run_parity, summary_lines, verdict

    results = run_parity(folder, method, tol)
    if json_:
        say_json({"passed": verdict(results), "fixtures": [result.to_dict() for result in results]})
    else:
        for line in summary_lines(results):
            typer.echo(line)
    if not verdict(results):
        raise typer.Exit(1)
