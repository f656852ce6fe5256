"""A supervised UNet on simulated pairs: what exact noise teaches without any published method."""
