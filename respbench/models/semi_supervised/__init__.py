"""Semi-supervised methods: one file per method, each one term L_u of the loss, over any backbone."""
