"""A genuine picture to the photograph of its print or of its display, with its exact noise.

Stages in the order of light, one file each: source, printing or display, geometry and placing,
reflection, optics, sensor, isp; `pipeline.recapture` chains them as a `recipe.Recipe` says.
"""
