"""Stored fits: what a run leaves on disk, and what identifies it."""
