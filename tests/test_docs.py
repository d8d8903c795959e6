"""Every code block in the README and the docs runs as a reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.M | re.S)


def blocks(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """The video that the pages speak of: a few seconds of a rendered street."""
    from onlooker.world import World, render

    path = tmp_path_factory.mktemp("street") / "street.mp4"
    render(World(stage="street", people=3, seconds=5.0, seed=7), path)
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_the_code_of_a_page_runs(page, street, tmp_path):
    (tmp_path / "street.mp4").write_bytes(street.read_bytes())
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    python = []
    for language, code in blocks(page):
        if language == "bash":
            # what ran so far in Python may have made what the shell needs, and the other way round
            command = ["bash", "-euc", code]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
        else:
            python.append(code)
            script = "\n".join(python)
            command = [sys.executable, "-c", script]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def test_every_page_is_in_the_navigation():
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    evidence = REPOSITORY / "docs" / "evidence"
    for page in PAGES[1:]:
        if evidence not in page.parents:
            assert str(page.relative_to(REPOSITORY / "docs")) in navigation
