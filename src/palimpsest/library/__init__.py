"""What `import palimpsest` offers: `audit`, `integrity`, `neural_collapse`, and their results."""
