"""`onlooker probe`: what a file really holds."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def probe(
    source: Annotated[str, typer.Argument(help="A file, a URL, or - for standard input.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Index a file and report its frames, rate, rotation, streams and damage.

    Example: onlooker probe street.mp4
    """
    import sys

    from onlooker.cli.display import say_json, say_report
    from onlooker.video.probe import probe as examine

    report = examine(sys.stdin.buffer if source == "-" else source)
    if json_:
        say_json(report)
    else:
        say_report(report)
