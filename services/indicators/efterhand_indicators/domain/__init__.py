"""What figures are, without any input or output."""
