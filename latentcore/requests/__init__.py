"""What is asked: verbs, their requests, and requests as text."""
