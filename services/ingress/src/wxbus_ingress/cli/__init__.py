"""The command line of ingress."""
