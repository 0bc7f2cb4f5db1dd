"""The question and the scene that Explore, Domains, Rank and Search share."""
