"""The words of the tasks and what they print; the only room that does."""
