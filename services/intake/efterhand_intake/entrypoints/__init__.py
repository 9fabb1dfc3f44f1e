"""Where events come in: HTTP, and the topic case-events-inbound."""
