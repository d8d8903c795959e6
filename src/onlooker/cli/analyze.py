"""`onlooker analyze`: video in, people and what they do out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def analyze(
    inputs: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, lists (a .txt with one input a line), URLs.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the run folders; beside each input by default.")] = None,
    engine: Annotated[str, typer.Option(help="'local', or 'ray' (extra [ray]).")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Videos analysed at the same time.")] = 1,
    detector: Annotated[str, typer.Option(help="'embedded', 'none', a local folder or hf://org/name.")] = "embedded",
    start: Annotated[float, typer.Option(help="Where to begin, in seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Where to stop, in seconds.")] = None,
    blur: Annotated[str, typer.Option(help="Hide 'faces' or 'people' in everything that is written.")] = "none",
    rules: Annotated[Path | None, typer.Option(help="Zones and lines to watch, as YAML or JSON.")] = None,
    actions: Annotated[
        str | None, typer.Option(help="Say what is done, by a classifier: its weights (FILE.safetensors), or a method.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="The weights, where --actions names a method.")] = None,
    annotate: Annotated[bool, typer.Option(help="Write annotated.mp4.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other option, as key=value.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace run folders made with other options or inputs.")] = False,
    retry: Annotated[bool, typer.Option(help="Try files again that failed twice before.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find people, follow them, say what they do; write tables, annotated.mp4 and report.html.

    Example: onlooker analyze street.mp4
    Example: onlooker analyze clips/ --out results --workers 2
    Example: onlooker analyze street.mp4 --actions mine.safetensors
    """
    from onlooker.analysis import analyze_corpus
    from onlooker.cli.display import show_corpus
    from onlooker.events import load_rules

    options = {
        "detector": detector,
        "start": start,
        "end": end,
        "blur": blur,
        "rules": None if rules is None else load_rules(rules).model_dump(mode="json"),
        "actions": actions,
        "actions_weights": weights,
        "annotate": annotate,
        "report": report,
    }
    raise typer.Exit(
        show_corpus(
            lambda progress: analyze_corpus(
                inputs,
                out=out,
                options=options,
                assignments=set_ or [],
                engine=engine,
                workers=workers,
                overwrite=overwrite,
                retry=retry,
                progress=progress,
            ),
            as_json=json_,
        )
    )
