"""The files that `onlooker prove` writes: METHOD.json with its confirmations on other seeds, and a page over all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError, StorageError
from onlooker.methods.claim import Claim
from onlooker.records.jsonsafe import pretty_json
from onlooker.storage import atomic_write
from onlooker.training.intervals import CONFIDENCE

_CLAIM = ("claim", "mechanism", "baseline")
_CONFIRMING = ("seeds", "scores", "gain", "shown", "cpu_seconds", "date", "commit", "sources")


def write(folder: str | Path, proof: Mapping[str, Any]) -> None:
    """METHOD.json anew, and the page. Confirmations of the same claim on other seeds stay. Raises StorageError."""
    path = Path(folder) / f"{proof['method']}.json"
    kept: list[Mapping[str, Any]] = []
    if path.exists():
        before = _read(path)
        same = all(before[key] == proof[key] for key in _CLAIM)
        kept = [one for one in before["confirmations"] if same and not set(one["seeds"]) & set(proof["seeds"])]
    atomic_write(path, pretty_json({**proof, "confirmations": kept}))
    write_index(folder)


def confirm(folder: str | Path, proof: Mapping[str, Any]) -> None:
    """Adds a run on other seeds to METHOD.json; one on the same seeds is replaced. Raises StorageError."""
    path = Path(folder) / f"{proof['method']}.json"
    evidence = _read(path)
    kept = [one for one in evidence["confirmations"] if not set(one["seeds"]) & set(proof["seeds"])]
    kept = sorted([*kept, {key: proof[key] for key in _CONFIRMING}], key=lambda one: one["seeds"])
    atomic_write(path, pretty_json({**evidence, "confirmations": kept}))
    write_index(folder)


def check_confirmable(folder: str | Path, method: str, claim: Claim, seeds: Sequence[int]) -> None:
    """Raises ConfigError unless there is evidence of this claim on other seeds."""
    path = Path(folder) / f"{method}.json"
    if not path.exists():
        raise ConfigError(f"{path.name}: no evidence to confirm in {folder}. Run the proof without --confirm first.")
    evidence = _read(path)
    if tuple(evidence[key] for key in _CLAIM) != (claim.text, claim.mechanism, claim.baseline):
        raise ConfigError(f"{path.name} is about another claim. Run the proof without --confirm first.")
    if shared := sorted(set(evidence["seeds"]) & set(seeds)):
        raise ConfigError(
            f"seed {shared[0]} is in the evidence already; to confirm it choose others with --seed-base, such as "
            f"{max(evidence['seeds']) + 1}."
        )


def write_index(folder: str | Path) -> Path:
    """Rewrite `index.md` from all evidence files in the folder. Raises StorageError for one that is damaged."""
    folder = Path(folder)
    proofs = [_read(path) for path in sorted(folder.glob("*.json"))]
    lines = [
        "# Evidence",
        "",
        "Written by `onlooker prove`; not by hand. Each line is a small experiment: same data, same budget, several",
        "seeds, the mechanism of a method against the baseline that its paper compares with. The gain is the mean over",
        f"seeds of mechanism minus baseline, with its {CONFIDENCE:.0%} t-interval; shown means that all of it is above",
        "zero. These are small problems on small models: they show that the mechanism works, not the paper's numbers.",
        "Runs of the same claim on other seeds (`--confirm`) are in the last column.",
        "",
        "| method | what is compared | mechanism | baseline | gain | shown | seeds | minutes | again, on other seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for proof in proofs:
        means = {name: proof["intervals"][proof[name]]["mean"] for name in ("mechanism", "baseline")}
        cells = [
            proof["method"],
            proof["claim"],
            f"{proof['mechanism']} {means['mechanism']:.3f}",
            f"{proof['baseline']} {means['baseline']:.3f}",
            _gain(proof),
            "yes" if proof["shown"] else "no",
            ", ".join(map(str, proof["seeds"])),
            f"{proof['seconds'] / 60:.1f}",
            "; ".join(_again(one, proof) for one in proof["confirmations"]),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    for proof in proofs:
        lines += ["", f"## {proof['method']}", "", *_section(proof)]
    path = folder / "index.md"
    atomic_write(path, ("\n".join(lines) + "\n").encode())
    return path


def _gain(run: Mapping[str, Any]) -> str:
    gain = run["gain"]
    return f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"


def _again(run: Mapping[str, Any], proof: Mapping[str, Any]) -> str:
    code = "" if run["sources"] == proof["sources"] else ", other code"
    verdict = "" if run["shown"] else ", not shown"
    return f"{_gain(run)} ({run['seeds'][0]} to {run['seeds'][-1]}{verdict}{code})"


def _section(proof: Mapping[str, Any]) -> list[str]:
    machine = proof["machine"]
    lines = [
        f"{proof['claim'][:1].upper()}{proof['claim'][1:]}. The paper's direction: {proof['paper']}.",
        "",
        "| score | mean | interval | " + " | ".join(f"seed {seed}" for seed in proof["seeds"]) + " |",
        "|---|---|---|" + "---|" * len(proof["seeds"]),
    ]
    first = [proof["mechanism"], proof["baseline"]]
    for name in [*first, *sorted(set(proof["intervals"]) - set(first))]:
        interval = proof["intervals"][name]
        values = " | ".join(f"{scores[name]:.3f}" for scores in proof["scores"])
        lines.append(
            f"| {name} | {interval['mean']:.3f} | [{interval['low']:.3f}, {interval['high']:.3f}] | {values} |"
        )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items()))
    commit = proof["commit"] or "unknown"
    changes = " with changes" if commit.endswith("+changes") else ""
    place = f"{machine['device']} ({machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads)"
    time = f"{proof['seconds']:.0f} s ({proof['cpu_seconds']:.0f} s of the processor)"
    return [*lines, "", f"{proof['date']}, commit {commit[:12]}{changes}, {time} on {place}, {versions}."]


_KEYS = {
    "method",
    "claim",
    "paper",
    "mechanism",
    "baseline",
    "seeds",
    "scores",
    "intervals",
    "gain",
    "shown",
    "sources",
}


def _read(path: Path) -> dict[str, Any]:
    try:
        proof = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path.name}: no readable evidence ({error}). Delete it, or run the proof again."
        ) from error
    if not isinstance(proof, dict) or not set(proof) >= _KEYS:
        raise StorageError(f"{path.name}: not written by `onlooker prove`. Keep other files out of this folder.")
    return {"confirmations": [], **proof}
