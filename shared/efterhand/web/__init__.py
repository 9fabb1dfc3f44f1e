"""What the services' HTTP surfaces have in common: rights, tokens, sessions, problems, pages of lists, the app."""
