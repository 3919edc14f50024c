"""`%era …` in a cell: which lines are ours, and the place where their results are shown."""

LINE = "%era"
"""What a cell must hold for any of it to be for the host. `parse` tells where it counts."""
