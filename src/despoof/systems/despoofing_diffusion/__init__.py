"""De-spoofing Diffusion (arXiv 2401.08275): noise by a diffusion bridge, a detector."""
