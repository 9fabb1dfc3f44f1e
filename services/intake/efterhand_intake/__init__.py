"""intake: checks, keeps and publishes case events."""
