"""The code of the business: routes, handlers as functions and as classes, and the arguments of handlers."""
