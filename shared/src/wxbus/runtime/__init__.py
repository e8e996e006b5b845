"""Parts of every service process: HTTP server, admin port, logs, signals, processes."""
