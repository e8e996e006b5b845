"""Redis: connection, scripts, lock with fencing."""
