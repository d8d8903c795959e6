"""Zones, lines, contacts to events; the monitors built on them."""
