"""Other people's files: MOTChallenge, AVA, COCO, WebVTT and CSV, in and out.

Import is strict: every fault is listed as "file:line: what". Tables come out in displayed pixels and seconds
whatever the file counts in; exporting does the inverse.
"""

from onlooker.records.formats.ava import read_ava, read_label_map, write_ava
from onlooker.records.formats.coco import read_coco, write_coco
from onlooker.records.formats.csv import read_csv, write_csv
from onlooker.records.formats.mot import MotRows, read_mot, read_mot_rows, write_mot
from onlooker.records.formats.webvtt import read_webvtt, write_webvtt

__all__ = [
    "MotRows",
    "read_ava",
    "read_coco",
    "read_csv",
    "read_label_map",
    "read_mot",
    "read_mot_rows",
    "read_webvtt",
    "write_ava",
    "write_coco",
    "write_csv",
    "write_mot",
    "write_webvtt",
]
