"""Language models: weights, tokens, sampling, training and likelihood."""
