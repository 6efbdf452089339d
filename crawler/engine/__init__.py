"""The loop that walks every URL, in the main thread of the parent."""
