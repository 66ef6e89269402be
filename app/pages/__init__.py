"""The studio's page: Gradio only, a module per tab. What it shows and does is asked of the desk.

shell    the page, its header and tabs       session  what the tabs share
telling  messages to people                  look     theme and style sheet
island   a part of the page with a script of its own
"""
