"""What every room uses, without torch: errors, parameters, artifacts, randomness."""
