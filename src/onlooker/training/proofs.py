"""`onlooker prove`: does a method's mechanism beat its baseline on the same data and budget, over several seeds?"""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.claim import Claim
from onlooker.methods.registry import Method, find
from onlooker.storage import make_folder
from onlooker.training import evidence
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
    confirm: bool = False,
    tell: Tell | None = None,
) -> Proof:
    """Run the `proof.py` of a method over `seeds` seeds from `seed_base` on, and write the evidence to `out`.

    Without `seeds`, as many as its claim says that it needs. `out` gets METHOD.json and an `index.md` over all such
    files in it; None writes nothing. With `confirm` the run joins the evidence that is there instead of replacing it:
    same claim, other seeds. `tell(phase, done, total)` is called before each seed. Raises ConfigError (no such method
    or proof, fewer than two seeds, nothing to confirm, seeds that are in the evidence), StorageError.
    """
    method = find(name)
    proof = method.load("proof")
    seeds = proof.CLAIM.seeds if seeds is None else seeds
    if seeds < 2:
        raise ConfigError(f"a proof over {seeds} seed says nothing about chance: use --seeds 2 or more.")
    numbers = tuple(range(seed_base, seed_base + seeds))
    if out is not None:
        make_folder(out)
        if confirm:
            evidence.check_confirmable(out, method.name, proof.CLAIM, numbers)
    from onlooker.training.machine import commit, describe_machine
    from onlooker.video.conformance.machine import now

    facts = {
        "date": now(),
        "commit": commit(_folder(method)),
        "machine": describe_machine(device),
        "sources": _sources(method),
    }
    scores, started, spent = [], time.perf_counter(), time.process_time()
    for done, seed in enumerate(numbers):
        if tell is not None:
            tell(f"seed {seed}", done, seeds)
        scores.append({key: float(value) for key, value in proof.run(seed, device).items()})
        _check_scores(method, proof.CLAIM, scores)
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    result = Proof(method.name, proof.CLAIM, numbers, tuple(scores), seconds, cpu, facts)
    if out is not None:
        keep = evidence.confirm if confirm else evidence.write
        keep(out, result.to_dict())
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
