"""What a lane keeps in Redis: the context, its ids, replies to send, and the starts of a message."""
