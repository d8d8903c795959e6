"""The numbers that the field reports."""
