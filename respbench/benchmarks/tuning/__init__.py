"""Nested hyperparameter tuning: studies, their trials, and what they found."""
