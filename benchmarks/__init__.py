"""How fast each stage is, beside the plain way, the best peer library and the limit: `python -m benchmarks`."""
