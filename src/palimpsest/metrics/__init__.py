"""What is measured: arrays and strings in, numbers out; numpy and scipy only, never torch.

One module a family of docs/metrics.md. Families that read texts or embeddings share one shape:
``prepare(...)`` does once what every half-sample of the jackknife needs again, and
``card(prepared, rows=None)`` gives the family's numbers for all texts or for the texts in ``rows``.
"""
