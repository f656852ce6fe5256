"""Which weights there are, where they come from, and whether a file is the one it claims to be."""
