"""A world or a film to files: the video, and the truth as a run folder beside it."""

from __future__ import annotations

from pathlib import Path

from onlooker.records import RunWriter
from onlooker.video.writer import VideoWriter
from onlooker.world.film import Film
from onlooker.world.sidecars import PoseLog, write_world
from onlooker.world.tables import Tabulator
from onlooker.world.world import World


def render(world: World | Film, path: str | Path, *, truth: str | Path | None = None, quality: float = 18) -> Path:
    """Write the video with its sound to `path` and what is true about it to the run folder `truth`.

    `truth` defaults to the video's name with `.truth` instead of its suffix. Returns the run folder: the tables of
    `records`, and beside them `world.json` (cast, script, cameras' shots), `masks.npz` (instances of every frame,
    run-length coded) and `poses.npz` (joints, landmarks, expressions and camera matrices of every frame), see
    `sidecars`; for a film in a folder for each scene, with the frames that it shows. Errors: as of
    `VideoWriter` and `RunWriter`.
    """
    path = Path(path)
    folder = Path(truth) if truth is not None else path.with_suffix(".truth")
    width, height = world.size
    rows = Tabulator(path.name, world.size)
    scenes = list(world.scenes) if isinstance(world, Film) else [world]
    poses = [PoseLog() for _ in scenes]
    with VideoWriter(path, width, height, rate=world.rate, quality=quality, sound=world.sound()) as writer:
        for image, frame in world.frames():
            writer.write(image)
            rows.add(frame)
            poses[world.scene_at(frame.index) if isinstance(world, Film) else 0].add(frame)
    with RunWriter.create_or_resume(
        folder, configuration={"world": world.configuration}, source=path, fresh=True
    ) as run:
        for name, table in (rows.tables() | world.script_tables(path.name)).items():
            run.append(name, table)
        run.commit(0)
        run.finish()
    for number, (scene, log) in enumerate(zip(scenes, poses, strict=True)):
        place = folder / f"scene-{number}" if isinstance(world, Film) else folder
        place.mkdir(exist_ok=True)
        log.write(place)
        write_world(scene, place)
    return folder
