"""Divide the clips of a corpus into folds: one file per splitter."""
