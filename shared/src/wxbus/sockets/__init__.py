"""What gateways and workers share about WebSockets: the log of each user's pushes, who is connected, and groups."""
