"""What every other folder uses, without torch: errors, parameters, artifacts, randomness."""
