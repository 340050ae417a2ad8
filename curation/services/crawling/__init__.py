"""Pictures from search engines: what is asked, what was found, what was fetched. See docs/crawling.md."""
