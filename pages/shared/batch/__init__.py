"""The Batch page: one verb over many inputs, which are places or objects on S3 and nothing else."""
