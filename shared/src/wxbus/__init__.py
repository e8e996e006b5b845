"""What the wxbus services share, and what programs that talk to them import."""
