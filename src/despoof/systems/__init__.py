"""The published systems, one folder each; `records.py` is the table of them."""
