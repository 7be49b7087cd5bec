"""This computer: processes, downloads, the cache, the processor, and what doctor finds here."""
