"""The RPC services of the token service."""
