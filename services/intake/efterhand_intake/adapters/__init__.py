"""How intake keeps things: tables and what is asked of them."""
