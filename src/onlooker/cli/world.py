"""`onlooker world`: scenes with exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Procedural scenes with exact ground truth.")


@app.callback()
def world() -> None:
    """Procedural scenes with exact ground truth."""


@app.command()
def render(
    out: Annotated[Path, typer.Argument(help="The video to write; its truth goes to a run folder beside it.")],
    stage: Annotated[str, typer.Option(help="Where it happens: street, shop, platform, room or film_set.")] = "street",
    people: Annotated[int, typer.Option(min=0, help="How many people.")] = 5,
    seconds: Annotated[float, typer.Option(help="How long.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    width: Annotated[int, typer.Option(help="Pixels.")] = 640,
    height: Annotated[int, typer.Option(help="Pixels.")] = 360,
    rate: Annotated[float, typer.Option(help="Frames per second.")] = 15.0,
    script: Annotated[
        str | None, typer.Option(help="What happens; the stage's own script by default, 'solo:wave' for one action.")
    ] = None,
    camera: Annotated[
        str, typer.Option(help="How it is filmed: static, shake, pan, orbit, near, first_person or cuts.")
    ] = "static",
    view: Annotated[int, typer.Option(min=0, help="From where: the number of one of the stage's views.")] = 0,
    light: Annotated[str | None, typer.Option(help="Time of day: day, overcast, evening, night or indoor.")] = None,
    weather: Annotated[str, typer.Option(help="Weather: clear, rain, snow or fog.")] = "clear",
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Render a scene: the video with its sound, and everything that is true about it as a run folder.

    Example: onlooker world render --stage shop --people 5 --seconds 30 --seed 7 shop.mp4
    """
    from onlooker.cli.display import say_json
    from onlooker.world import World
    from onlooker.world import render as render_world

    scene = World(
        stage,
        people,
        seconds,
        seed,
        (width, height),
        rate,
        script=script,
        camera=camera,
        view=view,
        light=light,
        weather=weather,
    )
    truth = render_world(scene, out)
    if json_:
        say_json({"video": str(out), "truth": str(truth), "frames": len(scene)})
    else:
        typer.echo(f"{out}\n{truth}")


@app.command()
def film(
    out: Annotated[Path, typer.Argument(help="The video to write; its truth goes to a run folder beside it.")],
    scenes: Annotated[
        str, typer.Option(help="Stages in order, with commas; one that comes again is the same place.")
    ] = "street,shop,room,street",
    people: Annotated[int, typer.Option(min=1, help="How many people take part in all.")] = 4,
    seconds: Annotated[float, typer.Option(help="How long in all.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    width: Annotated[int, typer.Option(help="Pixels.")] = 640,
    height: Annotated[int, typer.Option(help="Pixels.")] = 360,
    rate: Annotated[float, typer.Option(help="Frames per second.")] = 15.0,
    joins: Annotated[str, typer.Option(help="How scenes follow each other: of cut, fade, dissolve.")] = (
        "cut,fade,dissolve"
    ),
    camera: Annotated[str, typer.Option(help="How a scene is filmed; see render.")] = "cuts",
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Render a film of several scenes in which people come back, with its truth.

    Example: onlooker world film --scenes street,shop,street --seconds 45 day.mp4
    """
    from onlooker.cli.display import say_json
    from onlooker.world import make_film
    from onlooker.world import render as render_world
    from onlooker.world.film import parse_joins

    made = make_film(
        scenes.split(","), people, seconds, seed, (width, height), rate, joins=parse_joins(joins), camera=camera
    )
    truth = render_world(made, out)
    if json_:
        say_json({"video": str(out), "truth": str(truth), "frames": len(made), "scenes": len(made.scenes)})
    else:
        typer.echo(f"{out}\n{truth}")
