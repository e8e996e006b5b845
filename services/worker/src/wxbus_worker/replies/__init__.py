"""How replies reach users: by customer-service message, or in the passive answer to WeChat's push."""
