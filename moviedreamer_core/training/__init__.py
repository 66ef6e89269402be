"""Training: one resumable command per component, and `miniature`, which runs them all."""
