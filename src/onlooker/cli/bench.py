"""`onlooker bench`: how right and how fast readers of video are, and how fast models, side by side with peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from onlooker.cli.bench_trajectories import trajectories

app = typer.Typer(help="How right and how fast Onlooker and its peers are.", no_args_is_help=True)
app.command()(trajectories)

Readers = Annotated[str, typer.Option(help="Readers to test, comma-separated; all that are known by default.")]
Cache = Annotated[Path | None, typer.Option(help="Folder for the generated videos.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def frames(
    readers: Readers = "",
    case: Annotated[list[str] | None, typer.Option(help="Only these cases; a name may end in '*'.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the videos and of the order of the questions.")] = 0,
    queries: Annotated[int, typer.Option(min=1, help="Frames asked for out of order, per case and mode.")] = 24,
    cache: Cache = None,
    json_: Json = False,
) -> None:
    """Count the wrong frames that each reader gives on videos whose every frame carries a number.

    Exit code 1 when Onlooker gets a frame wrong.

    Example: onlooker bench frames
    Example: onlooker bench frames --readers onlooker,opencv --case 'ts*' --json
    """
    from onlooker.video.conformance.frames_benchmark import frames_benchmark

    with _progress(quiet=json_) as progress:
        result = frames_benchmark(
            readers=_names(readers), cases=case or [], seed=seed, queries=queries, cache=cache, progress=progress
        )
    _say(result, json_, _show_frames)
    tested = result["readers"].get("onlooker", {}).get("version")
    raise typer.Exit(0 if result["passed"] or not tested else 1)


@app.command()
def decode(
    readers: Readers = "",
    size: Annotated[str, typer.Option(help="'tiny' (seconds), 'small' (two minutes) or 'full'.")] = "small",
    repeat: Annotated[int, typer.Option(min=1, help="Timed repetitions per reader, after one warm-up.")] = 3,
    cache: Cache = None,
    json_: Json = False,
) -> None:
    """Time sequential decoding, sparse reads and the index of an hour of video, side by side in one run.

    Ratios above 1 mean that Onlooker is faster.

    Example: onlooker bench decode
    Example: onlooker bench decode --readers onlooker,opencv --repeat 7 --json
    """
    from onlooker.video.conformance.speed import decode_benchmark

    with _progress(quiet=json_) as progress:
        result = decode_benchmark(readers=_names(readers), size=size, repeat=repeat, cache=cache, progress=progress)
    _say(result, json_, _show_decode)


@app.command()
def recognition(
    model: Annotated[list[str] | None, typer.Option(help="Only this one: timesformer or videomae.")] = None,
    size: Annotated[str, typer.Option(help="'tiny' (seconds), 'small' (a quarter of the depth) or 'full'.")] = "full",
    batch: Annotated[int, typer.Option(min=1, help="Clips in one forward pass.")] = 1,
    repeat: Annotated[int, typer.Option(min=1, help="Timed passes per contender, after one warm-up.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each contender; all cores by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and clip.")] = 0,
    json_: Json = False,
) -> None:
    """Time clip classifiers on the processor, against transformers' classes with the same weights (extra hub).

    Exit code 1 when the logits differ or the bar is missed: 1.2 times the eager peer, no slower than its sdpa path.

    Example: onlooker bench recognition --json
    Example: onlooker bench recognition --model timesformer --size small --batch 3
    """
    from onlooker.methods.recognition.benchmark import recognition_benchmark

    with _progress(quiet=json_) as progress:
        result = recognition_benchmark(
            models=model or [], size=size, batch=batch, repeat=repeat, threads=threads, seed=seed, progress=progress
        )
    _say(result, json_, _show_recognition)
    raise typer.Exit(0 if result["passed"] else 1)


def _names(readers: str) -> list[str]:
    return [name.strip() for name in readers.split(",") if name.strip()]


def _say(result: dict[str, Any], as_json: bool, show: Callable[[Any, dict[str, Any]], None]) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(result, indent=2, allow_nan=False))
        return
    from rich.console import Console

    show(Console(), result)


def _show_frames(console: Any, result: dict[str, Any]) -> None:
    from rich.table import Table

    running = [name for name, fact in result["readers"].items() if fact["version"]]
    table = Table(title="Frames that went wrong (wrong picture + missing + error), of those asked for")
    table.add_column("case")
    table.add_column("frames", justify="right")
    for name in running:
        table.add_column(f"{name} {result['readers'][name]['version']}", justify="right")
    for row in result["cases"]:
        cells = [_verdict(row["readers"][name]) for name in running]
        table.add_row(row["name"], str(row["frames"]), *cells)
    totals = [_verdict(result["readers"][name]) for name in running]
    table.add_section()
    table.add_row("all", "", *totals)
    console.print(table)
    _say_absent(console, result)


def _verdict(count: dict[str, Any]) -> str:
    if count.get("refused"):
        return "refused" if count["errors"] == 0 else f"[red]cannot open ({count['errors']})[/red]"
    parts = [f"{count[key]} {label}" for key, label in _FAULTS if count[key]]
    return f"[red]{', '.join(parts)}[/red] of {count['asked']}" if parts else f"0 of {count['asked']}"


_FAULTS = (("wrong", "wrong"), ("unequal", "unequal"), ("missing", "missing"), ("errors", "errors"))


def _show_decode(console: Any, result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="Ratios above 1: Onlooker is faster. Median of the repetitions, opening the file included.")
    for column in ("case", "reader", "median", "min", "max", "per second", "wrong", "Onlooker is faster by"):
        table.add_column(column, justify="left" if column in ("case", "reader") else "right")
    for row in result["cases"]:
        own = row["readers"].get("onlooker", {}).get("median_seconds")
        for name, cell in row["readers"].items():
            ratio = "" if own is None or name == "onlooker" else f"{cell['median_seconds'] / own:.2f}"
            seconds = [f"{cell[key]:.3f} s" for key in ("median_seconds", "min_seconds", "max_seconds")]
            table.add_row(row["name"], name, *seconds, f"{cell['per_second']:,.0f}", str(cell["wrong"]), ratio)
        for name, error in row["errors"].items():
            table.add_row(row["name"], name, f"[red]{error}[/red]")
        table.add_section()
    console.print(table)
    _say_absent(console, result)


def _show_recognition(console: Any, result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="Ratios above 1: Onlooker is faster. Median of the passes, processor seconds beside.")
    for column in ("model", "runner", "clips/s", "median", "processor", "peak memory", "Onlooker is faster by"):
        table.add_column(column, justify="left" if column in ("model", "runner") else "right")
    for row in result["cases"]:
        for name, cell in row["runners"].items():
            kind = name.rpartition("-")[2]
            ratio = row.get(f"ratio_to_{kind}")
            seconds = [f"{cell[key]:.3f} s" for key in ("median_seconds", "median_cpu_seconds")]
            memory = f"{cell['peak_memory_mb']:,.0f} MB"
            faster = "" if ratio is None else f"{ratio:.2f} ({row[f'cpu_ratio_to_{kind}']:.2f})"
            table.add_row(row["name"], name, f"{cell['clips_per_second']:.3f}", *seconds, memory, faster)
        if not row["same_logits"]:
            table.add_row(row["name"], "[red]the logits differ[/red]", str(row["logits_apart"]))
        table.add_section()
    console.print(table)
    machine, versions = result["machine"], result["versions"]
    console.print(f"{machine['cpu']}, {result['threads']} threads, load {machine['load']}", highlight=False)
    console.print(f"torch {versions['torch']}, transformers {versions['transformers']}", highlight=False)


def _say_absent(console: Any, result: dict[str, Any]) -> None:
    machine = result["machine"]
    console.print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}", highlight=False)
    for name, fact in result["readers"].items():
        if not fact["version"]:
            console.print(f"{name}: {fact['not_run']}", highlight=False)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error; nothing when the output is for machines or nobody watches."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda name, done, total: bars.update(task, description=name, completed=done, total=total)
