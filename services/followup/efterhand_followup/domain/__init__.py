"""What should be there, and how it differs from what is: pure rules on one person's events."""
