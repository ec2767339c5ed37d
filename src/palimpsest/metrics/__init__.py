"""What is measured: arrays and strings in, numbers out; numpy and scipy only, never torch.

One module a family of docs/metrics.md, each after the protocol of `palimpsest.metrics.family`;
`palimpsest.metrics.registry` names every metric.
"""
