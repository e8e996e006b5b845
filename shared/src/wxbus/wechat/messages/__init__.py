"""Messages and base classes of events, who a push is about, and when two pushes are the same."""
