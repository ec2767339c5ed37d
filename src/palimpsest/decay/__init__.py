"""Curves over generations: what fell, when, how fast, and how sure that is."""
