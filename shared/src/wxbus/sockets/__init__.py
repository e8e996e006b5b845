"""State of WebSockets that gateways and workers share: each user's pushes, connected users, and groups."""
