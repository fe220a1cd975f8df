"""Hash the code that computes a result, so that stored results of other code are not taken for those of today."""
