"""The numbers that the field reports, from plain arrays, tables and the public file formats."""

from onlooker.metrics.tracking import evaluate, evaluate_mot

__all__ = ["evaluate", "evaluate_mot"]
