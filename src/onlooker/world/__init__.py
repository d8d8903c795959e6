"""Procedural people, places, cameras and sound with exact ground truth."""
