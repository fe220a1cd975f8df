"""What a notebook uses, as names of `respbench` itself: clips, folds, fitted models, their evaluation, figures."""
