"""report.html: one file that opens from disk, with everything inlined but the video beside it."""

from onlooker.analysis.report.build import write_report

__all__ = ["write_report"]
