"""Chains across git and DVC: the project's files, revisions, presets, sweeps, comparison."""
