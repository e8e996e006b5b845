"""Takes WeChat's callbacks, hands them to RabbitMQ durably, answers in time."""
