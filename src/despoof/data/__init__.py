"""Dataset tables to samples, samples to crops with depth, crops to batches."""
