"""The site of 10,000 pages on one host, served by nginx where there is one: it takes less of the cores."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler.bench.crawl import site
from crawler.bench.site import write

PORT = 8099

_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; types {{ text/html html; }} charset utf-8; sendfile on; tcp_nopush on; keepalive_requests 10000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; open_file_cache max=20000 inactive=600s;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}; }}
}}
"""


@contextmanager
def nginx(pages: int) -> Iterator[list[str]]:
    """One host on 127.0.0.1 with the site on disk; without nginx the one of `crawl bench`."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        with site(1, pages, 0.0) as hosts:
            yield hosts
        return
    folder = Path(tempfile.gettempdir()) / f"crawler-benchmark-{pages}"
    write(folder, pages)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=PORT))
    process = subprocess.Popen([binary, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield [f"http://127.0.0.1:{PORT}"]
    finally:
        process.terminate()
        process.wait()
