"""Faces over time: followed from frame to frame, decided only when there is enough evidence.

Pure logic: frames and functions that find and judge faces go in, what is known of every face comes
out. Cameras, files, windows and clocks are the command line's business.
"""
