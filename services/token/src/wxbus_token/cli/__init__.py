"""The commands for operators: they call the running service, and need its address and an API key alone."""
