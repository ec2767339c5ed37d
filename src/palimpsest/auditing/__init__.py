"""Has a corpus collapsed against human text? `measure.audit` says, by the rules of `verdict`."""
