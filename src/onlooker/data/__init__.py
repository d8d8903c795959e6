"""Public dataset formats and the world as labelled clips, and the checks that must pass before training."""
