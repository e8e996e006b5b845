"""Who may call: API keys, scopes and certificates."""
