"""WeChat's rules for tokens, message windows, platforms and media, and injected faults."""
