"""Arrays of scores in, rates, curves, intervals and tests out; pure functions on numpy arrays.

Import from the file that holds the idea:

- tables: `scores`; frames to clips: `clips`; no response: `nonresponse`
- at a threshold: `rates`, `species`; over thresholds: `curves`, `det`, `equal_error`, `operating`
- how sure: `intervals` (proportions), `resample` with the statistics of `weighted` (anything, by
  groups; `bootstrap` for any function of scores), `delong` (AUC), `folds` (mean ± sd)
- two systems and more: `compare`, `delong.delong_test`, `significance` (McNemar, Holm)

`sides`, `weights` and `codes` are what these are made of.
"""
