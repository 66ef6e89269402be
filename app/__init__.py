"""The page in the browser. Gradio only, no model code; nothing imports this package but app.py.

- command: flags, start, stop
- server: the page as a web application; guard: whom it answers
- page: layout and handlers; look: theme and style sheet
- studio: what a page can ask for; jobs: the one job, and what is seen of it
- runs: stories, and the folders they are drawn into; production: the director, as events for a job
"""
