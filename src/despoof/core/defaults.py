"""Names that the command line and the library share, without importing anything heavy."""

DEFAULT_WEIGHTS = "two-views"
"""What `despoof.load()` and the commands use when nobody names weights."""
