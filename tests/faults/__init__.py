"""Slow trials by force (`make test-faults`); their figures stand in docs/reliability.md."""
