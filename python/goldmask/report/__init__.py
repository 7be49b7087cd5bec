"""All comparisons of a run, in the forms that people and programs read."""
