"""The server side of RPC: declarations, and the stages and checks around a call."""
