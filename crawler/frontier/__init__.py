"""What waits to be fetched, and what has been found before."""
