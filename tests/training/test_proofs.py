"""`prove`: figures, evidence files and exit codes, on proofs that are known beforehand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from onlooker.cli.prove import app
from onlooker.errors import ConfigError, StorageError
from onlooker.methods.claim import Claim
from onlooker.methods.registry import Method
from onlooker.training.evidence import write_index
from onlooker.training.proofs import prove

CLAIM = Claim("new", "old", "new | against old", "paper, table 1")


@pytest.fixture
def proof(monkeypatch):
    """`proof(new, old)`: timesformer's proof gives these scores, each a function of the seed."""

    def install(new, old):
        def run(seed, device):
            assert device == "cpu"
            return {"old": old(seed), "new": new(seed), "extra": 0.5}

        monkeypatch.setattr(Method, "load", lambda self, module: SimpleNamespace(CLAIM=CLAIM, run=run))

    return install


def test_a_gain_is_measured_seed_by_seed(proof, tmp_path):
    proof(lambda seed: 0.8 + 0.1 * seed, lambda seed: 0.5 + 0.1 * seed + 0.001 * (seed % 2))
    result = prove("timesformer", seeds=4, seed_base=10, out=tmp_path)
    assert result.seeds == (10, 11, 12, 13)
    # the scores vary by 0.3 between seeds, the paired gain hardly
    assert result.gain.mean == pytest.approx(0.2995)
    assert result.gain.high - result.gain.low < 0.01
    assert result.shown
    stored = json.loads((tmp_path / "timesformer.json").read_text())
    assert stored["gain"]["mean"] == pytest.approx(0.2995)
    assert stored["scores"][1]["new"] == pytest.approx(1.9)
    assert set(stored) >= {"machine", "commit", "date", "seconds", "seeds", "paper", "sources"}
    assert set(stored["machine"]) >= {"cpu", "cores", "threads", "versions"}
    assert list(result.intervals()) == ["new", "old", "extra"]


def test_the_page_says_what_the_files_say(proof, tmp_path):
    proof(lambda seed: 1.0, lambda seed: 0.5)
    prove("timesformer", seeds=2, out=tmp_path)
    page = (tmp_path / "index.md").read_text()
    assert "+0.500 [+0.500, +0.500] | yes | 0, 1" in page
    assert "new \\| against old" in page
    before = page
    assert write_index(tmp_path).read_text() == before
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(StorageError, match=r"other\.json"):
        write_index(tmp_path)


@pytest.mark.parametrize(
    ("gains", "code"), [((0.2, 0.21, 0.2), 0), ((0.2, -0.1, 0.2), 1), ((-0.2, -0.21, -0.2), 1), ((0, 0, 0), 1)]
)
def test_the_exit_code_says_whether_the_gain_is_shown(proof, tmp_path, gains, code):
    proof(lambda seed: 0.5 + gains[seed], lambda seed: 0.5)
    done = CliRunner().invoke(app, ["timesformer", "--out", str(tmp_path)])
    assert done.exit_code == code
    assert ("not shown" in done.output) == bool(code)
    done = CliRunner().invoke(app, ["timesformer", "--no-write", "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["shown"] is (code == 0)


def test_too_few_seeds_unknown_methods_and_wrong_scores(proof, tmp_path):
    with pytest.raises(ConfigError, match="seeds 2"):
        prove("timesformer", seeds=1)
    with pytest.raises(ConfigError, match="timesformer"):
        prove("timesformr")
    proof(lambda seed: 1.0, lambda seed: 0.5)
    wrong = SimpleNamespace(CLAIM=Claim("new", "missing", "t", "p"), run=lambda seed, device: {"new": 1.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Method, "load", lambda self, module: wrong)
        with pytest.raises(ConfigError, match="'missing'"):
            prove("timesformer", seeds=2, out=tmp_path)
    assert not (tmp_path / "timesformer.json").exists()


def test_a_claim_says_how_many_seeds_it_needs(monkeypatch):
    claim = Claim("new", "old", "t", "p", seeds=5)
    module = SimpleNamespace(CLAIM=claim, run=lambda seed, device: {"new": 1.0, "old": 0.1 * seed})
    monkeypatch.setattr(Method, "load", lambda self, name: module)
    assert prove("timesformer", seed_base=10, out=None).seeds == (10, 11, 12, 13, 14)
    assert prove("timesformer", seeds=2, out=None).seeds == (0, 1)
    assert "needs 5 seeds" not in CliRunner().invoke(app, ["timesformer", "--no-write"]).output
    assert "needs 5 seeds, 2 were run" in CliRunner().invoke(app, ["timesformer", "--no-write", "--seeds", "2"]).output


def test_runs_on_other_seeds_confirm_and_are_kept(proof, tmp_path):
    proof(lambda seed: 0.7 + 0.01 * (seed % 2), lambda seed: 0.5)
    with pytest.raises(ConfigError, match="no evidence to confirm"):
        prove("timesformer", seeds=2, out=tmp_path, confirm=True)
    prove("timesformer", seeds=2, out=tmp_path)
    with pytest.raises(ConfigError, match=r"seed 1 is in the evidence already.*such as 2"):
        prove("timesformer", seeds=2, seed_base=1, out=tmp_path, confirm=True)
    prove("timesformer", seeds=3, seed_base=20, out=tmp_path, confirm=True)
    prove("timesformer", seeds=2, seed_base=10, out=tmp_path, confirm=True)
    prove("timesformer", seeds=2, seed_base=22, out=tmp_path, confirm=True)

    def stored():
        return json.loads((tmp_path / "timesformer.json").read_text())

    assert stored()["seeds"] == [0, 1]
    # the run from 20 on shared seed 22 with a later one
    assert [one["seeds"] for one in stored()["confirmations"]] == [[10, 11], [22, 23]]
    assert "(10 to 11); +0.205" in (tmp_path / "index.md").read_text()
    prove("timesformer", seeds=2, seed_base=11, out=tmp_path)
    assert [one["seeds"] for one in stored()["confirmations"]] == [[22, 23]]


def test_another_claim_drops_confirmations(proof, tmp_path, monkeypatch):
    proof(lambda seed: 0.7 + 0.01 * (seed % 2), lambda seed: 0.5)
    prove("timesformer", seeds=2, out=tmp_path)
    prove("timesformer", seeds=2, seed_base=10, out=tmp_path, confirm=True)
    other = SimpleNamespace(CLAIM=Claim("new", "old", "harder", "p"), run=lambda seed, device: {"new": 1.0, "old": 0.5})
    monkeypatch.setattr(Method, "load", lambda self, module: other)
    with pytest.raises(ConfigError, match="another claim"):
        prove("timesformer", seeds=2, seed_base=20, out=tmp_path, confirm=True)
    prove("timesformer", seeds=2, out=tmp_path)
    assert json.loads((tmp_path / "timesformer.json").read_text())["confirmations"] == []
