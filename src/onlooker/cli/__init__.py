"""The command line: one file per command, no logic. `main` turns errors into one paragraph and an exit code.

Exit codes: 0 done, 1 it failed, 2 it was asked wrongly, 130 interrupted.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys

import typer

from onlooker.errors import OnlookerError

app = typer.Typer(
    name="onlooker",
    help="Onlooker watches video and says who did what, where and when.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    "demo",
    "analyze",
    "watch",
    "probe",
    "methods",
    "train",
    "prove",
    "evaluate",
    "extract",
    "attention",
    "teach",
    "search",
    "export",
    "world",
    "data",
    "doctor",
    "bench",
    "weights",
    "parity",
)


def build() -> typer.Typer:
    """The application with every command mounted; each command's module exposes `app`."""
    if not app.registered_commands and not app.registered_groups:
        for name in COMMANDS:
            module = importlib.import_module(f"onlooker.cli.{name}")
            commands = module.app.registered_commands
            if len(commands) == 1 and module.app.registered_callback is None:
                app.registered_commands.append(commands[0])
            else:
                app.add_typer(module.app, name=name)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `onlooker` command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        build()(args=arguments, prog_name="onlooker")
    except BrokenPipeError:
        # the reader of our output went away (`onlooker methods | head`): nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept; the same command goes on from there.", err=True)
        sys.exit(130)
    except OnlookerError as error:
        if "--json" in arguments:
            typer.echo(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(error.exit_code)


def _interrupt(*_: object) -> None:
    """A polite request to stop is treated like Ctrl-C, so that work in progress is left in order."""
    raise KeyboardInterrupt
