"""Runs and their folders: `.crawl/<spider>/<run>/`."""
