"""``python -m loadtests.attribution``: who made a call, told right, and as surely as it is?"""
