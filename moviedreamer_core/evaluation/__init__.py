"""How good the keyframes are: readers of frames, the protocol, the command that reports."""
