"""A worker that is killed in the middle of a crawl costs nothing but a little time."""

import json
import os
import signal


def test_the_crawl_completes_with_all_items_although_a_worker_was_killed(
    start_crawl, serve, write, wait_until, tmp_path
):
    server = serve({"*": "x"}, latency=0.15)
    write(
        "pages.py",
        f"""
        start_urls = [f"{server.url}/{{number}}" for number in range(60)]
        settings = {{"politeness": {{"per_host": 4, "delay": 0}}}}

        def parse(page):
            yield {{"url": page.url}}
        """,
    )
    running = start_crawl("run", "pages.py", "-o", "out.jsonl", "--workers", "2")
    wait_until(lambda: len(server.log) > 20 or running.process.poll() is not None)
    # The worker is who holds a connection to the site.
    port = int(server.server_address[1])
    holders = wait_until(lambda: [pid for pid in running.living() if pid != running.pid and connected(pid, port)])
    os.kill(holders[0], signal.SIGKILL)
    running.end(20)
    assert running.rc == 0, running.stderr
    urls = [json.loads(line)["url"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(urls) == len(set(urls)) == 60
    assert "is gone (killed by signal 9)" in running.stderr
    assert "Traceback" not in running.stderr
    wait_until(lambda: not running.living(), 3)


def connected(pid, port):
    """Whether a process has a socket to the port."""
    inodes = set()
    for line in open_lines("/proc/net/tcp"):
        fields = line.split()
        if fields[2].endswith(f":{port:04X}"):
            inodes.add(f"socket:[{fields[9]}]")
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return not inodes.isdisjoint(links)


def open_lines(path):
    with open(path) as file:
        return file.readlines()[1:]
