"""How replies leave the worker: by customer-service message or as the passive answer."""
