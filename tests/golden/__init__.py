"""A chain of two generations of a minute model, whose every byte is known (`run.py`)."""
