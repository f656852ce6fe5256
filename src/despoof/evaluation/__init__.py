"""Scores of a manifest → result rows and reports; and what makes the comparison fair.

Import from the file that holds the idea: `score_file`, `rows`, `tables`, `cues`,
`stress`.
"""
