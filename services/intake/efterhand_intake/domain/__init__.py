"""What is decided about an event, without a database or a network."""
