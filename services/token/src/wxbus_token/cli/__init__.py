"""The commands for operators: they call the running service, and need only its address and an API key."""
