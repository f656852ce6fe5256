"""Ways of integrating a field from one end of a time grid to the other: one function a file."""
