"""What the service does, one file for each use case; transactions are begun and ended by the callers."""
