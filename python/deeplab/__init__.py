"""DeepLab v1, v2, v3 and v3+: models, synthetic data, training, export and what each step brings."""

import os

# TensorFlow's C++ side greets every process with a page about CPU features; its errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
