"""The embedded default corpus: breathing cycles simulated from published acoustics."""
