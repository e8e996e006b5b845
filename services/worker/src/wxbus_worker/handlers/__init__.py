"""What the business writes: routes, handlers as functions and as classes, and what a handler is given."""
