"""What people get to know of a run: events, numbers, log, live view, report. Nothing here answers back."""
