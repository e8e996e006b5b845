"""Stores envelopes on disk until RabbitMQ confirms them."""
