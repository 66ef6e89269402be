"""Script and earlier keyframes -> the visual tokens of the next keyframe."""
