"""What a page may ask of the studio: typed methods over the stories on disk and the job queue. No Gradio, no models.

desk        the parts below, on one set of stories, one queue and one set of weights
shelf       all stories and the trash           script      rows of the script, undo, imports
cast        character cards and their faces     references  few-shot pictures
row_warnings  what a creator should know of a row
"""

from app.desk.desk import Desk, DrawingDefaults

__all__ = ["Desk", "DrawingDefaults"]
