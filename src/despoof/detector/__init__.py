"""The product: a system, its preprocessing, a threshold and a policy make verdicts.

It fails closed. Whatever goes wrong with a face is `undecided` with the reason, never `live`.
"""

from despoof.core.types import FaceParts
from despoof.detector.bridged import BridgedParts
from despoof.detector.checking import CROPPED_CONTEXT, Detector
from despoof.detector.loading import DEFAULT_WEIGHTS, load

__all__ = ["CROPPED_CONTEXT", "DEFAULT_WEIGHTS", "BridgedParts", "Detector", "FaceParts", "load"]
