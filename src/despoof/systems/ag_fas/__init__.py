"""System 2: AG-FAS, a de-spoofing generator told the identity, and a cue network (2401.09006)."""
