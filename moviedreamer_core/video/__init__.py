"""Keyframe -> clip -> movie: image-to-video with a first-frame anchor, and the files that hold the result."""
