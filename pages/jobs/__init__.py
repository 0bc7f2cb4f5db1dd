"""The server's jobs and loaded models, and the panel that shows a job."""
