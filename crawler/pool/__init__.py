"""Pools of exactly one worker, the lanes over them, and everything private to `multiprocessing`."""
