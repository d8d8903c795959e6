"""`onlooker watch`: the same stages on a live source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def watch(
    source: Annotated[str, typer.Argument(help="rtsp://, http(s)://, /dev/video0, or a file played at its own pace.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the run folder; the current one by default.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; until interrupted by default.")] = None,
    rotate: Annotated[float, typer.Option(help="Begin a new run folder after so many seconds.")] = 3600.0,
    detector: Annotated[str, typer.Option(help="'embedded', 'none', a local folder or hf://org/name.")] = "embedded",
    report: Annotated[bool, typer.Option(help="Write report.html: timelines, plots and events, no pictures.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document a line: events, states, the end.")] = False,
) -> None:
    """Watch a live source and say what happens, until Ctrl-C: a run folder for each hour. Frames are not stored.

    Example: onlooker watch rtsp://camera/stream --out gate
    """
    from onlooker.cli.display import LiveLines, stop_on_interrupt

    lines = LiveLines(as_json=json_)
    with stop_on_interrupt() as stop:
        from onlooker.analysis.options import Options
        from onlooker.analysis.watch import watch as run_watch

        options = Options.parse({"detector": detector, "annotate": False, "report": report})
        run_watch(
            source,
            out,
            options,
            seconds=seconds,
            rotate=rotate,
            stop=stop,
            on_event=lines.event,
            on_state=lines.state,
            on_run=lines.end,
        )
