"""`onlooker methods`: every published method here."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    count: Annotated[
        bool | None,
        typer.Option("--count/--no-count", help="Parameters and FLOPs of each variant (slow); with --json."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the methods: task, variants, what is proven and compared, licences.

    Example: onlooker methods timesformer --count
    """
    from onlooker.cli.display import say_json
    from onlooker.methods.cards import card_lines, cards

    found = cards(name, count=json_ if count is None else count)
    if json_:
        say_json({"methods": found})
    else:
        for line in card_lines(found):
            typer.echo(line)
