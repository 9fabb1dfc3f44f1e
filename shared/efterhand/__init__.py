"""What the three services share: contracts, catalogue, timeline, messaging, database, web, embedded servers."""
