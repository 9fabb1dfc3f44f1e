"""Small histories and definitions, one for each construct of the grammar, with what they come to."""
