"""One loop that runs any stage: checkpoints, resume, averages, trackers. It knows no system."""
