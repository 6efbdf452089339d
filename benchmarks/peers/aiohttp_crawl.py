"""A peer to compare with: the crawl of `benchmarks/spider.py` written by hand with aiohttp and lxml, one process.

`python aiohttp_crawl.py CONCURRENCY START_URL...`; writes items as JSON Lines to standard output. It needs `aiohttp`
and `lxml`, in an environment of its own. No retries, no ledger, no politeness: only the work itself.
"""

import asyncio
import json
import sys
from urllib.parse import urldefrag, urljoin

import aiohttp
from lxml import etree, html

NAME, PRICE, STOCK, MAKER = (
    etree.XPath(f"string({path})", smart_strings=False)
    for path in ("//h1[@class='name']", "//p[@class='price']", "//p[@class='stock']", "//p[@class='maker']")
)


async def crawl(concurrency: int, starts: list[str]) -> None:
    seen = set(starts)
    queue: asyncio.Queue[str] = asyncio.Queue()
    for url in starts:
        queue.put_nowait(url)
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def worker() -> None:
            while True:
                url = await queue.get()
                try:
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
                    sys.stdout.write(json.dumps(item) + "\n")
                    for href in tree.xpath("//a/@href"):
                        link = urldefrag(urljoin(url, href)).url
                        if link not in seen:
                            seen.add(link)
                            queue.put_nowait(link)
                finally:
                    queue.task_done()

        workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
        await queue.join()
        for task in workers:
            task.cancel()


asyncio.run(crawl(int(sys.argv[1]), sys.argv[2:]))
