"""What those who look after the server ask it: whether it is well, and what it has to do."""
