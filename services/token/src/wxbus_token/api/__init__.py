"""The RPC services that the token service serves."""
