"""RPC and the token client."""
