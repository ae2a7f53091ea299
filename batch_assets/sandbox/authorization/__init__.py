"""Whether a caller may do what it asks for, judged by the policies in moto's IAM.

Moto's own judge does not know the resources of our services, takes a condition that does not hold for a denial, and
reads ``?`` and ``.`` in a pattern as regular expressions do; so policies are judged here, and kept by moto.
"""
