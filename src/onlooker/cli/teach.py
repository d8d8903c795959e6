"""`onlooker teach`: name actions by example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def teach(
    name: Annotated[Path, typer.Argument(help="The file to write; .safetensors is added.")],
    examples: Annotated[
        list[str], typer.Argument(help="label=clip pairs, or a folder with a folder of clips per action.")
    ],
    backbone: Annotated[str, typer.Option(help="Whose features: a method or a weights file.")] = "dense_trajectories",
    weights: Annotated[str | None, typer.Option(help="Its weights, where it needs some.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A number of its configuration: width=320.")] = None,
    copies: Annotated[
        int | None, typer.Option(min=1, help="Versions of each clip to learn from: 3, or 6 with another backbone.")
    ] = None,
    moments: Annotated[int, typer.Option(min=1, help="Windows' worth of frames of each clip to look at, at most.")] = 4,
    flip: Annotated[bool, typer.Option(help="Whether a mirrored action is the same action.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the changes.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Learn actions from a few clips of each; use them with `analyze --actions NAME.safetensors`.

    What is none of them is called unknown. Clips labelled unknown=CLIP show what must not be taken for an action.

    Example: onlooker teach mine wave=wave1.mp4 wave=wave2.mp4 sit=sit1.mp4 unknown=street.mp4
    Example: onlooker teach mine examples/ --no-flip
    """
    from onlooker.analysis.job import Progress
    from onlooker.analysis.teaching import read_examples
    from onlooker.analysis.teaching import teach as learn
    from onlooker.cli.display import job_progress, say_json
    from onlooker.methods.conversion import split_settings

    out = name if name.suffix == ".safetensors" else name.with_name(name.name + ".safetensors")
    given = read_examples(examples)
    settings = split_settings(set_) if set_ else None
    with job_progress(out.name, quiet=json_) as tell:
        done = learn(
            given,
            out,
            backbone=backbone,
            weights=weights,
            settings=settings,
            copies=copies,
            moments=moments,
            flip=flip,
            seed=seed,
            progress=lambda label, at, total: tell(Progress(label, at, total)),
        )
    if json_:
        say_json(done.to_dict())
        return
    typer.echo(
        f"{done.out}: {len(done.actions)} {'action' if len(done.actions) == 1 else 'actions'} on {done.backbone}"
    )
    for label, count in done.actions.items():
        like = f"parts left out of learning are {done.genuine[label]:.2f} like it, " if label in done.genuine else ""
        clips = f"{count} {'clip' if count == 1 else 'clips'}"
        typer.echo(f"  {label}: {clips}, {like}believed from {done.thresholds[label]:.2f} on")
    if len(done.actions) > 1:
        typer.echo(f"  {100 * done.right:.0f} % of the examples find their action when it is learned without them")
    if done.strange is not None:
        typer.echo(f"  What is none of them is {done.strange:.2f} like the nearest (medians of cosines; 1 is the same)")
    for warning in done.warnings:
        typer.echo(f"  {warning}", err=True)
    typer.echo(f"Next: onlooker analyze VIDEO --actions {done.out}")
