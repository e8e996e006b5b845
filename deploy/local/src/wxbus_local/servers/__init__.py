"""RabbitMQ and Redis: finds, starts, probes and stops them."""
