"""Sentence, portrait, frame -> embedding."""
