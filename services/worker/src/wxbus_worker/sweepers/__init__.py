"""Background tasks that find what is due: expired contexts and replies past their deadline."""
