"""Every error that despoof raises on purpose.

A message has three parts: what was wrong (with the value), what was expected, and what to do.
The command line prints the message alone; `--debug` adds the traceback.
"""


class DespoofError(Exception):
    """Root of the tree: catch this to catch everything that despoof raises on purpose."""


class InputError(DespoofError, ValueError):
    """An argument, array or tensor has the wrong shape, type, range or value."""


class MediaError(DespoofError):
    """A file, folder, video, stream or camera cannot be read as pictures."""


class ConfigError(DespoofError, ValueError):
    """A configuration has an unknown key, or a value that it may not have."""


class WeightsError(DespoofError):
    """Weights are missing, corrupt, of another system, or do not match their record."""


class DataError(DespoofError):
    """A dataset, manifest or score table is missing or malformed."""


class TrainingError(DespoofError):
    """A training run cannot start, resume or go on."""


class MissingExtraError(DespoofError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""
