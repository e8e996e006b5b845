"""Publishing to RabbitMQ, and through the spool while RabbitMQ is away."""
