"""Output files, one module per format; `registry` picks the one that a path asks for."""
