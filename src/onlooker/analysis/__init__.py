"""The main job: stages, engines, report."""
