"""Capture: a command runs, events come out. Knows nothing of runs, files or databases."""
