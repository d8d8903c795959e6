"""Many videos in one command, and again later: one index and one page over all of them."""

import shutil

from onlooker.analysis.corpus import analyze_corpus
from onlooker.records import Corpus

QUICK = {"detector": "none", "annotate": False}


def test_the_page_shows_the_videos_of_earlier_commands_too(short, tmp_path):
    out = tmp_path / "runs"
    for day in ("monday", "tuesday"):
        (tmp_path / day).mkdir()
        shutil.copyfile(short, tmp_path / day / f"{day}.mp4")
        page = analyze_corpus([str(tmp_path / day)], out=out, options=QUICK).page
    assert page == out / "index.html"
    assert [entry.name for entry in Corpus(out).entries] == ["monday.mp4", "tuesday.mp4"]
    words = page.read_text(encoding="utf-8")
    assert 'href="./monday.onlooker/report.html"' in words
    assert 'href="./tuesday.onlooker/report.html"' in words


def test_a_lost_index_is_made_again_from_the_runs(short, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copyfile(short, tmp_path / "in" / "a.mp4")
    analyze_corpus([str(tmp_path / "in")], out=tmp_path / "runs", options=QUICK)
    before = (tmp_path / "runs" / "onlooker-index.json").read_bytes()
    (tmp_path / "runs" / "onlooker-index.json").unlink()
    Corpus(tmp_path / "runs").rebuild()
    assert (tmp_path / "runs" / "onlooker-index.json").read_bytes() == before
