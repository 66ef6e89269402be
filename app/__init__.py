"""The studio in the browser. Nothing imports this package but app.py.

- command: flags, start, stop; server: a port of this machine; guard: whom the page answers
- pages: what is seen, Gradio only; desk: what a page may ask, without Gradio and without models
- queue: jobs in a worker process of their own; work: what the worker does, with the models
"""
