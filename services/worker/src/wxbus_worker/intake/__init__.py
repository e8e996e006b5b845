"""Takes the requests of other programs: messages to users, and events about them."""
