"""The topology as a picture: `layout.py` says where everything is, `drawing.py` draws it."""
