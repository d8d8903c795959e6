"""`onlooker doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def doctor(
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try every backend and say what to install. Exit code 1 when something needed does not work.

    Example: onlooker doctor
    """
    from onlooker.analysis.doctor import examine
    from onlooker.cli.display import say_json

    findings = examine()
    broken = any(finding.needed and not finding.works for finding in findings)
    if json_:
        say_json({"works": not broken, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = "ok " if finding.works else "BROKEN" if finding.needed else "-  "
            remedy = f"   -> {finding.remedy}" if finding.remedy else ""
            typer.echo(f"{mark:7}{finding.name:26}{finding.detail}{remedy}")
    raise typer.Exit(1 if broken else 0)
