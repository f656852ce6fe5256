"""A genuine picture to the photograph of its print or of its display.

A stand-in for the full simulator: few parameters, no perspective, no bezel, no Bayer pattern.
"""
