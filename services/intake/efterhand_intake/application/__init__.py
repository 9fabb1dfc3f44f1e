"""What intake does, one use case in a file; nothing here commits."""
