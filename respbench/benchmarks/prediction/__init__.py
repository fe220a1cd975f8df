"""Predict recordings with a model that was fitted once to a whole corpus: cut, fit, calibrate, compare, show."""
