"""The one authority for WeChat access tokens, served by RPC."""
