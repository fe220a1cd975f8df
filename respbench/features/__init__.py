"""Signals to numbers: spectral transforms, the handcrafted vector, images for networks, and their cache."""
