"""DespoofBench: what systems say was changed, against what the simulator really changed."""
