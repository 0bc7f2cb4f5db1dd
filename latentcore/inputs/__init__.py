"""What a request names, read and recorded in its run folder: latents, maps, samples."""
