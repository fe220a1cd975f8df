"""One file a model, the registry, and the one training loop."""
