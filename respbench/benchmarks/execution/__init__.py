"""Doing the work of a run: jobs, the one evaluation function, and pools of workers."""
