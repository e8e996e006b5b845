"""Small asyncio tools: background work, backoff, cancellation, shared calls, token buckets."""
