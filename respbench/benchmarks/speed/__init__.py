"""Timing the suite against the usual way of doing the same."""
