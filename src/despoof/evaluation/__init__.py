"""Scores of a manifest → result rows and reports; and what makes the comparison fair.

Import from the file that holds the idea. Scoring: `clip_scoring`, `bulk`. Reading scores:
`score_file` (ours), `score_formats` (anybody's). Judging them: `report` and its `report_*`, `rows`,
`tables`; choosing thresholds: `calibration`. Is the set fair: `cues`, `audit`, `stress`.
"""
