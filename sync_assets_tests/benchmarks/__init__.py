"""The benchmarks: each measures the product, and in the same call a baseline."""
