"""How the service is reached: HTTP, the topic of events, the clock."""
