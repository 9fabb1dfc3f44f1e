"""Between the services: the worker that reads a topic exactly, the relay that empties an outbox, announcements."""
