"""How people get in: by the municipality's own OpenID Connect provider, or as a built-in user on loopback."""
