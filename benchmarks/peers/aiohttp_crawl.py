"""A peer to compare with: the crawl of `crawler/bench/spider.py` written by hand with aiohttp and lxml, one process.

`python aiohttp_crawl.py HOSTS.json OUTPUT PER_HOST`; writes items as JSON Lines. It needs `aiohttp` and `lxml`, in an
environment of its own. No retries, no ledger, no politeness but the limit per host: only the work itself.
"""

import asyncio
import json
import sys
from collections import defaultdict
from urllib.parse import urldefrag, urljoin, urlsplit

import aiohttp
from lxml import etree, html

NAME, PRICE, STOCK, MAKER = (
    etree.XPath(f"string({path})", smart_strings=False)
    for path in ("//h1[@class='name']", "//p[@class='price']", "//p[@class='stock']", "//p[@class='maker']")
)


async def crawl(hosts: list[str], output: str, per_host: int) -> None:
    queues: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
    seen: set[str] = set()
    workers = []
    waiting = 0
    done = asyncio.Event()
    with open(output, "w", encoding="utf-8") as items:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            def offer(url: str) -> None:
                nonlocal waiting
                if url in seen:
                    return
                seen.add(url)
                waiting += 1
                host = urlsplit(url).netloc
                if host not in queues:
                    workers.extend(asyncio.create_task(work(queues[host])) for _ in range(per_host))
                queues[host].put_nowait(url)

            async def work(queue: asyncio.Queue[str]) -> None:
                nonlocal waiting
                while True:
                    url = await queue.get()
                    async with session.get(url) as response:
                        body = await response.read()
                    tree = html.document_fromstring(body)
                    item = {
                        "url": url,
                        "name": NAME(tree),
                        "price": PRICE(tree),
                        "stock": STOCK(tree),
                        "maker": MAKER(tree),
                    }
                    items.write(json.dumps(item) + "\n")
                    for href in tree.xpath("//a/@href"):
                        offer(urldefrag(urljoin(url, href)).url)
                    waiting -= 1
                    if not waiting:
                        done.set()

            for host in hosts:
                offer(f"{host}/p/0.html")
            await done.wait()
            for task in workers:
                task.cancel()


with open(sys.argv[1], encoding="utf-8") as addresses:
    HOSTS = json.load(addresses)
asyncio.run(crawl(HOSTS, sys.argv[2], int(sys.argv[3])))
