"""Models in files: Keras's own formats, and checkpoints of running training."""
