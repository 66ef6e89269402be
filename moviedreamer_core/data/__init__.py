"""Training data: episodes of the storyworld as arrays on disk."""
