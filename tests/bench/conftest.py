import os
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def script_in_session():
    """`script_in_session(text)`: a Python program in a session of its own, killed with all its children at the end."""
    running = []

    def start(text):
        running.append(subprocess.Popen([sys.executable, "-c", text], start_new_session=True))
        return running[-1]

    yield start
    for process in running:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
