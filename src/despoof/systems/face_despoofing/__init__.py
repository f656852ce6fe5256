"""System 3: Face De-Spoofing, anti-spoofing via noise modelling (ECCV 2018, arXiv:1807.09968)."""
