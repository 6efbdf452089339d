"""How hosts are treated: how many requests at once, and how far apart."""
