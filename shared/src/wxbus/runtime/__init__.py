"""What every service process needs: HTTP server, admin port, logs, signals, processes."""
