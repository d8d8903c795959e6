"""The main job: stages, engines, report."""

from onlooker.analysis.corpus import analyze_corpus
from onlooker.analysis.job import analyze
from onlooker.analysis.options import Options

__all__ = ["Options", "analyze", "analyze_corpus"]
