"""`onlooker extract`: features of a corpus, window by window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def extract(
    name: Annotated[str, typer.Argument(help="The method, or its weights (FILE.safetensors, hf://...).")],
    inputs: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, lists (a .txt with one input a line), URLs.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the run folders, one a video.")],
    weights: Annotated[str | None, typer.Option(help="The weights, where the name is a method.")] = None,
    window: Annotated[float | None, typer.Option(min=0.01, help="Seconds seen at once; as trained by default.")] = None,
    step: Annotated[float | None, typer.Option(min=0.01, help="Seconds between windows; half a window.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace run folders made with other settings.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write a feature vector for each window of each video, as tables `embeddings`; goes on where it was stopped.

    A file that cannot be read is named and stops no other; the exit code is 1 then.

    Example: onlooker extract k400.safetensors clips/ --out features
    Example: onlooker extract timesformer --weights k400.safetensors a.mp4 b.mp4 --out features --step 1
    """
    from onlooker.analysis.extract import extract as run
    from onlooker.cli.display import job_progress, say_json

    with job_progress("extract", quiet=json_) as tell:
        done = run(name, inputs, out, weights=weights, window=window, step=step, overwrite=overwrite, progress=tell)
    failed = [one for one in done if one.status != "complete"]
    if json_:
        say_json({"videos": [one.to_dict() for one in done], "failed": len(failed)})
    else:
        for one in done:
            if one.error is None:
                damage = f" ({one.damaged:.1f} s of it damaged)" if one.damaged else ""
                typer.echo(f"{one.name}: {one.windows} windows{damage}, {one.folder / 'embeddings.parquet'}")
            else:
                typer.echo(f"{one.error_type}: {one.error}", err=True)
        if failed and len(done) > 1:
            typer.echo(f"{len(failed)} of {len(done)} videos failed: {', '.join(one.name for one in failed)}", err=True)
    if failed:
        raise typer.Exit(failed[0].exit_code if len(done) == 1 else 1)
