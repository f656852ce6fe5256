"""Side by side: public face anti-spoofing networks and ours, on the same pictures, in one run.

`python benchmarks/peers/run.py` measures; docs/peers.md is made from what it finds.
"""
