"""The plan: what a change of a stack would do, to which machine, in which order, and for how much money.

It needs no cluster, no SSH, no private key and no secret of a cloud. `model.py` is what every rendering reads;
`comparison.py` makes it from two revisions; `text.py`, `markdown.py` and `page.py` show it.
"""
