"""What the doubles of the vendors' APIs share. Only Python's standard library."""
