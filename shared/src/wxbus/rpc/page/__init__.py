"""The OpenAPI document of a server, and a page to read it and try the methods."""
