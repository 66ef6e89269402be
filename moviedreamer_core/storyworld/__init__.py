"""A procedural cartoon world with exact ground truth, on which the miniature is trained and measured."""
