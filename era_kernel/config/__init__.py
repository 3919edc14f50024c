"""What is configured, and where that was said: a variable, the command line, a file of Jupyter's, or nowhere.

`sources.in_force()` gives the values. Loading is cheap and happens when one is asked for: traitlets is imported only
where there is a file.
"""
