"""The server side of RPC: declarations, stages and checks around a call."""
