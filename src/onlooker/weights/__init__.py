"""Find, verify, convert and license checkpoints; pickles are opened here and nowhere else."""
