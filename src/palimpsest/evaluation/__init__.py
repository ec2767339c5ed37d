"""Every metric of a generation, put together: evaluator, scorecard, metrics of one's own."""
