"""Connections to RabbitMQ: what aio-pika and aiormq need, and nothing about envelopes."""
