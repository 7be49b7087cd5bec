"""The tasks, one file a noun: each is its flags, its help and one call into the cli room."""
