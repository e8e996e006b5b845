"""RPC: declarations, the pipeline, HTTP, the clients."""
