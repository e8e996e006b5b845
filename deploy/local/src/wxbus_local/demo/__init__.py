"""The conversation that `make demo` plays."""
