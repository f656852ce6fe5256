"""The table of left-out sources, from the score files of left_out.py."""

FOLDS = ("celeba-spoof", "nuaa", "casia-mfsd", "replay-attack")
