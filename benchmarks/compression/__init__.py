"""What compression saves and costs: ``python -m benchmarks.compression``."""
