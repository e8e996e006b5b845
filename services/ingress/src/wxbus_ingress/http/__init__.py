"""The HTTP server below the callbacks, and the bounds on a request."""
