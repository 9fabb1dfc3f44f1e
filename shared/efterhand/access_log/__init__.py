"""The log of who saw whom: each service keeps its own, beside the persons that it shows."""
