"""The question and the scene that Explore, Rank and Search share."""
