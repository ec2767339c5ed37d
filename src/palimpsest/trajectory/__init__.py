"""A chain as curves over generations: alarms, change point, forecast."""
