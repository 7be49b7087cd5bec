"""goldmask: does the phone still draw the same mask?"""

__version__ = "0.1.0"
