"""The spool: envelopes on this machine's disk that RabbitMQ has not confirmed."""
