"""The same plan on a Ray cluster: one task a video, each supervised where it runs."""

from __future__ import annotations

import os
from typing import Any

from onlooker.analysis.inputs import Item
from onlooker.analysis.supervise import Outcome, Report, supervise
from onlooker.errors import MissingDependency


def run_on_ray(
    items: list[Item],
    options: dict[str, Any],
    workers: int,
    overwrite: bool,
    retry: bool,
    progress: Report | None,
) -> list[Outcome]:
    """Outcomes in input order. Paths must mean the same on every node (a shared file system); relative ones are seen
    from the folder of this process."""
    try:
        import ray
    except ImportError:
        raise MissingDependency("--engine ray needs Ray: pip install 'onlooker[ray]'.") from None
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        task = ray.remote(num_cpus=1)(_one)
        waiting = {task.remote(item, options, overwrite, retry, os.getcwd()): item for item in items}
        done: dict[str, Outcome] = {}
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            item = waiting.pop(ready)
            done[item.source] = ray.get(ready)
            if progress:
                progress(item, "done", 1.0, 1.0)
        return [done[item.source] for item in items]
    finally:
        if started_here:
            ray.shutdown()


def _one(item: Item, options: dict[str, Any], overwrite: bool, retry: bool, folder: str) -> Outcome:
    os.chdir(folder)  # a node starts its tasks in a folder of its own
    return supervise(item, options, overwrite=overwrite, retry=retry)
