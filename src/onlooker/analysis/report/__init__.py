"""report.html: one file that opens from disk, with everything inlined but the video beside it; and a page over many."""

from onlooker.analysis.report.build import write_report
from onlooker.analysis.report.corpus import write_corpus_report

__all__ = ["write_corpus_report", "write_report"]
