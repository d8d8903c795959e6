"""`onlooker prove`: a small experiment that shows whether a method's mechanism works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onlooker.training.proofs import Proof

app = typer.Typer()


@app.command()
def prove(
    method: Annotated[str, typer.Argument(help="Whose proof to run; see `onlooker methods`.")],
    seeds: Annotated[
        int | None, typer.Option(min=2, help="How many seeds; as many as the claim needs by default.")
    ] = None,
    seed_base: Annotated[int, typer.Option("--seed-base", min=0, help="The first seed.")] = 0,
    device: Annotated[str, typer.Option(help="Where to run: cpu, cuda, cuda:1.")] = "cpu",
    out: Annotated[Path, typer.Option(help="Folder for METHOD.json and the page over all proofs.")] = Path(
        "docs/evidence"
    ),
    confirm: Annotated[
        bool, typer.Option(help="Add the run to METHOD.json beside the evidence there is, which has other seeds.")
    ] = False,
    dry: Annotated[bool, typer.Option("--no-write", help="Write no evidence.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train the mechanism and its baseline on the same data and budget, and compare.

    Exit code 1 when the interval of the gain includes zero.

    Example: onlooker prove timesformer --seeds 3
    """
    from onlooker.analysis.job import Progress
    from onlooker.cli.display import job_progress, say_json
    from onlooker.training.proofs import prove as run_proof

    with job_progress(f"prove {method}", quiet=json_) as tell:
        result = run_proof(
            method,
            seeds=seeds,
            seed_base=seed_base,
            device=device,
            out=None if dry else out,
            confirm=confirm,
            tell=lambda phase, done, total: tell(Progress(phase, done, total)),
        )
    if json_:
        say_json(result.to_dict())
    else:
        _show(result)
        if not dry:
            typer.echo(f"written to {out / result.method}.json")
    raise typer.Exit(0 if result.shown else 1)


def _show(proof: Proof) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{proof.method}: {proof.claim.text}")
    table.add_column("score")
    for column in ("mean", "95 % interval", *(f"seed {seed}" for seed in proof.seeds)):
        table.add_column(column, justify="right")
    for name, interval in proof.intervals().items():
        values = [f"{scores[name]:.3f}" for scores in proof.scores]
        table.add_row(name, f"{interval.mean:.3f}", f"[{interval.low:.3f}, {interval.high:.3f}]", *values)
    Console(highlight=False, markup=False).print(table)
    gain = proof.gain
    verdict = "shown" if proof.shown else "not shown: the interval of the gain is not above zero"
    if len(proof.seeds) < proof.claim.seeds:
        typer.echo(f"the claim needs {proof.claim.seeds} seeds, {len(proof.seeds)} were run: chance weighs more")
    typer.echo(f"gain {gain.mean:+.3f}, 95 % interval [{gain.low:+.3f}, {gain.high:+.3f}]: {verdict}")
    typer.echo(f"paper: {proof.claim.paper}")
    typer.echo(f"{proof.seconds:.0f} s on {proof.facts['machine']['cpu']}")
