"""`onlooker prove`: does a method's mechanism beat its baseline on the same data and budget, over several seeds?"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError, StorageError
from onlooker.methods.claim import Claim
from onlooker.methods.registry import Method, find
from onlooker.records.jsonsafe import pretty_json
from onlooker.storage import atomic_write, make_folder
from onlooker.training.intervals import CONFIDENCE, Interval, t_interval

EVIDENCE = Path("docs/evidence")
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """Scores of every seed, and what they say of the claim. `gain` is mechanism minus baseline, seed by seed.

    `seconds` is time on the clock, `cpu_seconds` that of the processor, which other work on the machine hardly changes.
    """

    method: str
    claim: Claim
    seeds: tuple[int, ...]
    scores: tuple[Mapping[str, float], ...]
    seconds: float
    cpu_seconds: float
    facts: Mapping[str, Any]

    @property
    def gain(self) -> Interval:
        """The paired gain over the baseline."""
        return t_interval([scores[self.claim.mechanism] - scores[self.claim.baseline] for scores in self.scores])

    @property
    def shown(self) -> bool:
        """Whether the whole interval of the gain lies above zero."""
        return self.gain.above_zero

    def intervals(self) -> dict[str, Interval]:
        """Mean and interval of each score, mechanism first, then baseline, then the others by name."""
        first = (self.claim.mechanism, self.claim.baseline)
        names = [*first, *sorted(name for name in self.scores[0] if name not in first)]
        return {name: t_interval([scores[name] for scores in self.scores]) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": self.method,
            "claim": self.claim.text,
            "paper": self.claim.paper,
            "mechanism": self.claim.mechanism,
            "baseline": self.claim.baseline,
            "seeds": list(self.seeds),
            "scores": [dict(scores) for scores in self.scores],
            "confidence": CONFIDENCE,
            "intervals": {name: _plain(interval) for name, interval in self.intervals().items()},
            "gain": _plain(self.gain),
            "shown": self.shown,
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            **self.facts,
        }


def _plain(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def prove(
    name: str,
    *,
    seeds: int | None = None,
    seed_base: int = 0,
    device: str = "cpu",
    out: str | Path | None = EVIDENCE,
    tell: Tell | None = None,
) -> Proof:
    """Run the `proof.py` of a method over `seeds` seeds from `seed_base` on, and write the evidence to `out`.

    Without `seeds`, as many as its claim says that it needs. `out` gets METHOD.json and an `index.md` over all such
    files in it; None writes nothing. `tell(phase, done, total)`
    is called before each seed. Raises ConfigError (no such method or proof, fewer than two seeds), StorageError.
    """
    method = find(name)
    proof = method.load("proof")
    seeds = proof.CLAIM.seeds if seeds is None else seeds
    if seeds < 2:
        raise ConfigError(f"a proof over {seeds} seed says nothing about chance: use --seeds 2 or more.")
    if out is not None:
        make_folder(out)
    from onlooker.training.machine import commit, describe_machine
    from onlooker.video.conformance.machine import now

    facts = {
        "date": now(),
        "commit": commit(_folder(method)),
        "machine": describe_machine(device),
        "sources": _sources(method),
    }
    numbers = tuple(range(seed_base, seed_base + seeds))
    scores, started, spent = [], time.perf_counter(), time.process_time()
    for done, seed in enumerate(numbers):
        if tell is not None:
            tell(f"seed {seed}", done, seeds)
        scores.append({key: float(value) for key, value in proof.run(seed, device).items()})
        _check_scores(method, proof.CLAIM, scores)
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    result = Proof(method.name, proof.CLAIM, numbers, tuple(scores), seconds, cpu, facts)
    if out is not None:
        atomic_write(Path(out) / f"{method.name}.json", pretty_json(result.to_dict()))
        write_index(out)
    return result


def _check_scores(method: Method, claim: Claim, scores: Sequence[Mapping[str, float]]) -> None:
    wanted = {claim.mechanism, claim.baseline} - set(scores[-1])
    if wanted or set(scores[-1]) != set(scores[0]):
        raise ConfigError(
            f"the proof of {method.name} gave the scores {sorted(scores[-1])}; it must give the same ones for each "
            f"seed, among them {claim.mechanism!r} and {claim.baseline!r}."
        )


def _sources(method: Method) -> dict[str, str]:
    """Digests of the files in the method's folder: evidence says exactly which code it is about."""
    files = sorted(_folder(method).glob("*.py"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def _folder(method: Method) -> Path:
    return Path(str(importlib.import_module(method.package).__file__)).resolve().parent


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
        "",
        "| method | what is compared | mechanism | baseline | gain | shown | seeds | minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for proof in proofs:
        means = {name: proof["intervals"][proof[name]]["mean"] for name in ("mechanism", "baseline")}
        cells = [
            proof["method"],
            proof["claim"],
            f"{proof['mechanism']} {means['mechanism']:.3f}",
            f"{proof['baseline']} {means['baseline']:.3f}",
            f"{proof['gain']['mean']:+.3f} [{proof['gain']['low']:+.3f}, {proof['gain']['high']:+.3f}]",
            "yes" if proof["shown"] else "no",
            ", ".join(map(str, proof["seeds"])),
            f"{proof['seconds'] / 60:.1f}",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    for proof in proofs:
        lines += ["", f"## {proof['method']}", "", *_section(proof)]
    path = folder / "index.md"
    atomic_write(path, ("\n".join(lines) + "\n").encode())
    return path


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


_KEYS = {"method", "claim", "paper", "mechanism", "baseline", "seeds", "scores", "intervals", "gain", "shown"}


def _read(path: Path) -> dict[str, Any]:
    try:
        proof = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path.name}: no readable evidence ({error}). Delete it, or run the proof again."
        ) from error
    if not isinstance(proof, dict) or not set(proof) >= _KEYS | {"seconds", "cpu_seconds", "date", "commit", "machine"}:
        raise StorageError(f"{path.name}: not written by `onlooker prove`. Keep other files out of this folder.")
    return proof
