"""RabbitMQ: topology, envelope, publisher, partition consumer, retry and dead letters."""
