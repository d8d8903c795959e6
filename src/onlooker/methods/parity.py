"""Does our code reproduce recorded outputs of the original? Finds fixtures, their methods, and compares."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from onlooker.errors import ConfigError, OnlookerError
from onlooker.methods.comparison import DEFAULT, Comparison, Tolerance, compare, read_tolerance
from onlooker.methods.registry import discover, find

Status = Literal["within", "over", "error", "not implemented"]

FUNCTIONS: dict[str, str] = {
    "metrics_mot_det": "onlooker.metrics.parity",
    "object_hand_events": "onlooker.events.parity",
    "functional": "onlooker.training.parity",
}
"""Fixtures of functions that belong to no method: name -> module with `parity(folder)`, absent until it is written."""


@dataclass(frozen=True, slots=True)
class Result:
    """One fixture folder. `uncompared` are recorded outputs that nothing of ours was compared with."""

    folder: str
    method: str | None
    status: Status
    outputs: tuple[Comparison, ...] = ()
    uncompared: tuple[str, ...] = ()
    problem: str = ""

    @property
    def max_absolute(self) -> float:
        """The largest absolute difference of all outputs."""
        return max((output.max_absolute for output in self.outputs), default=0.0)

    @property
    def max_relative(self) -> float:
        """The largest relative difference of all outputs."""
        return max((output.max_relative for output in self.outputs), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; differences that are not finite become None."""
        outputs = [
            {key: None if value in (float("inf"),) else value for key, value in asdict(output).items()}
            for output in self.outputs
        ]
        return {
            "folder": self.folder,
            "method": self.method,
            "status": self.status,
            "problem": self.problem,
            "outputs": outputs,
            "uncompared": list(self.uncompared),
        }


def run_parity(folder: str | Path, method: str | None = None, tol: float | None = None) -> list[Result]:
    """Compare every fixture under `folder` (itself included).

    The method is `method`, or the deepest folder name of a fixture's path that one registers. An output may differ by
    `tol` (absolute), else by what the method's `parity.py` says of it, else by the README of the fixture or of the
    folder above it, else by 1e-4. Raises ConfigError when there is no fixture or no such method.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{root}: no such folder. Name one that holds fixtures.")
    if tol is not None and not tol >= 0:
        raise ConfigError(f"a tolerance cannot be {tol}: give a number of 0 or more.")
    modules = parity_modules()
    if method is not None and method not in modules:
        find(method)
        raise ConfigError(f"{method} has no parity.py, so there is nothing to compare with.")
    fixtures = list(fixture_folders(root))
    if not fixtures:
        raise ConfigError(f"{root}: no fixture in it (folders with config.json, outputs.safetensors or expected.json).")
    return [_run_one(fixture, root, method or method_of(fixture, modules), modules, tol) for fixture in fixtures]


def parity_modules() -> dict[str, str]:
    """Fixture name -> module with a `parity` function, for everything that is implemented."""
    modules = {name: module for name, module in FUNCTIONS.items() if _exists(module)}
    for method in discover().values():
        if method.has("parity"):
            modules.update(dict.fromkeys((method.name, *method.fixtures), f"{method.package}.parity"))
    return modules


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def fixture_folders(root: Path) -> Iterator[Path]:
    """Folders that hold recorded numbers or their description: a .json or .safetensors file of their own."""
    for folder in [root, *sorted(path for path in root.rglob("*") if path.is_dir())]:
        if any(path.suffix in (".json", ".safetensors") for path in folder.iterdir() if path.is_file()):
            yield folder


def method_of(fixture: Path, modules: dict[str, str]) -> str | None:
    """The deepest part of the path that names something implemented."""
    return next((part for part in reversed(fixture.resolve().parts) if part in modules), None)


def tolerance_of(fixture: Path) -> Tolerance:
    """What the README of the fixture, or of the folder above, allows; 1e-4 when neither says."""
    for folder in (fixture, fixture.parent):
        readme = folder / "README.md"
        if readme.is_file() and (tolerance := read_tolerance(readme.read_text(errors="replace"))) is not None:
            return tolerance
    return DEFAULT


def _run_one(fixture: Path, root: Path, method: str | None, modules: dict[str, str], tol: float | None) -> Result:
    name = str(fixture.relative_to(root)) if fixture != root else fixture.resolve().name
    if method is None:
        return Result(name, None, "not implemented", problem="no method or function here reads this fixture")
    general = tolerance_of(fixture)
    outputs: list[Comparison] = []
    compared: set[str] = set()
    try:
        for item in importlib.import_module(modules[method]).parity(fixture):
            own = item[3] if len(item) > 3 else general
            outputs += compare(item[0], item[1], item[2], own if tol is None else Tolerance(tol))
            compared.add(item[0])
    except OnlookerError as error:
        return Result(name, method, "error", tuple(outputs), problem=str(error))
    except Exception as error:
        where = inspect.getmodule(type(error))
        kind = type(error).__name__ if where is None else f"{where.__name__}.{type(error).__name__}"
        return Result(name, method, "error", tuple(outputs), problem=f"the comparison failed with {kind}: {error}")
    if not outputs:
        return Result(name, method, "error", problem="nothing was compared: the fixture records no output of ours")
    status: Status = "within" if all(output.within for output in outputs) else "over"
    return Result(name, method, status, tuple(outputs), tuple(sorted(recorded_names(fixture) - compared)))


def recorded_names(fixture: Path) -> set[str]:
    """Names of the tensors in the fixture's outputs.safetensors, if there is one."""
    from onlooker.weights.header import read_header

    path = fixture / "outputs.safetensors"
    return set(read_header(path).tensors) if path.is_file() else set()


def verdict(results: list[Result]) -> bool:
    """Whether something was compared and nothing failed; fixtures that nothing reads yet do not count."""
    return any(result.status == "within" for result in results) and not any(
        result.status in ("over", "error") for result in results
    )


def summary_lines(results: list[Result]) -> Iterator[str]:
    """The table that the command prints."""
    for result in results:
        if result.status == "not implemented":
            continue
        yield f"{result.folder}  ({result.method}): {result.status}"
        if result.problem:
            yield f"  {result.problem}"
        width = max((len(output.name) for output in result.outputs), default=0)
        for output in result.outputs:
            mark = "" if output.within else "  OVER" + (f": {output.problem}" if output.problem else "")
            figures = f"abs {output.max_absolute:.2e}  rel {output.max_relative:.2e}"
            yield f"  {output.name:<{width}}  {figures}  (allowed {_say(output.tolerance)}){mark}"
        if result.uncompared:
            yield f"  not compared: {', '.join(result.uncompared)}"
    missing = [result.folder for result in results if result.status == "not implemented"]
    if missing:
        yield f"not implemented: {', '.join(missing)}"
    ran = [result for result in results if result.status != "not implemented"]
    within = sum(result.status == "within" for result in ran)
    yield f"{within} of {len(ran)} fixtures within tolerance; {len(missing)} not implemented."


def _say(tolerance: Tolerance) -> str:
    relative = f" + {tolerance.relative:g} of {'the largest' if tolerance.to_peak else 'each'}"
    return f"{tolerance.absolute:g}" + (relative if tolerance.relative else "")
