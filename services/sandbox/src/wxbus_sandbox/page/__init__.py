"""The page at `/`: a phone to chat with, and the list of callbacks and calls beside it."""
