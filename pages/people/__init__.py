"""Who is signed in, and with whom things are shared, as people see it."""
