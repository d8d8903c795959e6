"""Readers of public dataset formats: each gives a `Listing` with samples and every fault by file and line."""
