"""Connections to RabbitMQ with aio-pika and aiormq; independent of envelopes."""
