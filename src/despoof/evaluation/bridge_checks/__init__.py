"""Is a trained diffusion bridge fit for use? The acceptance checks of SPEC §8.5, one file each."""
