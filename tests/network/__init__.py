"""Whether a connection is made through real networks, and what is read where none can be."""
