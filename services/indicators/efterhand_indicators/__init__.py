"""indicators: rolling figures from stored contributions."""
