"""Two views of a face, near and wide, an expert each, and what they say together."""
