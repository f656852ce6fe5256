"""An RGB-only classifier of System 3's size: what the evidence must beat."""
