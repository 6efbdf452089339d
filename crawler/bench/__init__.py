"""A site made for measuring, the spider that reads it, and what a crawl of it costs: `crawl bench`, `benchmarks/`."""
