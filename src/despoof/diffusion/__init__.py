"""Noise ↔ face: schedules, time grids, networks, solvers and the bridge of two domains."""
