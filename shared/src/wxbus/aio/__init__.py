"""Small asyncio tools: waiting, cancellation, joined calls."""
