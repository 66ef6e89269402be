"""The page in the browser. Gradio only, no model code; nothing imports this package but app.py.

command  flags, and the server          page  layout and handlers      look  theme and style sheet
studio   what the page can ask for      jobs  the one job, and what is seen of it
runs     folders of stories drawn       production  the director, as events for a job
"""
