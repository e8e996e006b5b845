"""HTTP and AMQP, both ends of each."""
