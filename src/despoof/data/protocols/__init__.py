"""Protocols over manifests of several datasets, and the choice of a protocol by name."""
