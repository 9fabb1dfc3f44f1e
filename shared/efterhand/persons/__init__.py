"""What every service has that follows persons: their events, a row for each of them, and one context for all."""
