"""respbench: a benchmark of respiratory-sound classifiers, and of activities in movements, on unseen patients."""
