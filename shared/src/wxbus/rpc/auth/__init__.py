"""Authentication and authorisation: API keys, certificates and scopes."""
