"""goldmask: does the phone still predict the same mask?"""

__version__ = "0.1.0"
