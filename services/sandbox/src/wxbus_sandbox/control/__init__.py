"""The control API of the sandbox and its client."""
