"""Broadcasts: workers collect the recipients, and send as the shared rate allows."""
