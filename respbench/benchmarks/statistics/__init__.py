"""Metrics, intervals and comparisons, computed from stored predictions."""
