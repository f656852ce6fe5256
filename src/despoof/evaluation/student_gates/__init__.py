"""Does the one-pass student say what its teacher's bridge says? The gates, one file each."""
