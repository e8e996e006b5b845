"""The token service without servers."""
