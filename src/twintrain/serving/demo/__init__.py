"""The web page on which both frameworks answer side by side.

form.py, drawing.py and answers.py are what can be tested without a page; page.py alone knows gradio.
"""
