"""Blocks that several systems share."""
