"""Recipes, the training loop, checkpoints that resume to the same bits, evaluation, and proofs."""
