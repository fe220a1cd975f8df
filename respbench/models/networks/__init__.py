"""Networks: architectures, what they have in common, and the one training loop."""
