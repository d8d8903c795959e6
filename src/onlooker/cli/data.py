"""`onlooker data`: lists of labelled video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Lists of labelled video.")


@app.callback()
def data() -> None:
    """Lists of labelled video."""


@app.command()
def check(
    kind: Annotated[
        str,
        typer.Argument(
            help="kinetics, ucf101, hmdb51, ssv2, charades, epic, diving48, gluoncv, frame_list, folders, frames or "
            "webdataset."
        ),
    ],
    paths: Annotated[list[Path], typer.Argument(help="The lists, folders or shard patterns, one for each split.")],
    root: Annotated[Path | None, typer.Option(help="Where the videos are; beside the lists by default.")] = None,
    classes: Annotated[Path | None, typer.Option(help="A file of class names, one a line, in order.")] = None,
    split: Annotated[int, typer.Option(min=1, max=3, help="Which of HMDB51's splits.")] = 1,
    rate: Annotated[float | None, typer.Option(help="Frames a second in folders of frames.")] = None,
    look: Annotated[
        str, typer.Option(help="'exist', 'open' (index and first frame) or 'decode' (every frame).")
    ] = "open",
    content: Annotated[bool, typer.Option(help="Find copies under other names by comparing equal sizes.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List every fault of a data set with its file and line; exit 1 when there is one.

    Example: onlooker data check ucf101 trainlist01.txt testlist01.txt --root UCF-101
    """
    from onlooker.analysis.job import Progress
    from onlooker.cli.display import job_progress, say_json
    from onlooker.data.report import check_data, report_lines

    with job_progress("data", quiet=json_) as tell:
        report = check_data(
            kind,
            paths,
            root=root,
            classes=classes,
            split=split,
            rate=rate,
            look=look,
            content=content,
            tell=lambda done, total: tell(Progress("check", done, total)),
        )
    if json_:
        say_json(report.to_dict())
    else:
        for line in report_lines(report):
            typer.echo(line)
    if report.faults:
        raise typer.Exit(1)
