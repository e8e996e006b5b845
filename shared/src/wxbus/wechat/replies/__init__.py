"""What a handler returns, and the forms in which WeChat takes it."""
