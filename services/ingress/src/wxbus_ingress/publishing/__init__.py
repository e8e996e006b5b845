"""Publishes envelopes to RabbitMQ, or to the spool while RabbitMQ is unavailable."""
