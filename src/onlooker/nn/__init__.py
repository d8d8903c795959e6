"""Blocks that two or more methods share. Importing this package loads nothing; its modules load torch."""
