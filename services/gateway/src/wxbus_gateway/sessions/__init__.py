"""Sessions of users: tokens, and what Redis keeps of them."""
