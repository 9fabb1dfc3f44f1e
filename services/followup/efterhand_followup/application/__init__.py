"""One use case a file; each works inside its caller's transaction and never commits."""
