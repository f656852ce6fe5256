"""The command line: one file per command. It parses and prints, and decides nothing.

`main` is the entry point and the last boundary for errors; `check`, `demo`, `score`, `data`,
`evaluate`, `calibrate`, `models` and `train` are the commands; `options`, `score_options`, `clips`,
`output` (console and JSON), `inputs`, `judging` and `evidence` are what they share.
Nothing here imports torch before a command needs it.
"""
