"""Arrays of scores in, rates, curves and intervals out; pure functions on numpy arrays.

Import from the file that holds the idea: `scores`, `intervals`, `rates`, `curves`, `bootstrap`.
"""
