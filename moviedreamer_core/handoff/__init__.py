"""What leaves the studio: a finished cut as files for players, editing programs, printers and other people."""
