"""Where everything is put together: the only room that names concrete classes and hands them to each other.

`run.run` is one crawl, `crawl.crawl` the Python way to it. What `run` puts together is made by its siblings, one
subject each. Those that look at single pages, or only at settings, take from them what they need; nothing is imported
here, so they import no more than that.
"""
