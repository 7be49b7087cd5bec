# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#   "absl-py==2.5.1",
#   "annotated-types==0.8.0",
#   "astunparse==1.6.3",
#   "certifi==2026.10.18",
#   "charset-normalizer==3.5.2",
#   "flatbuffers==25.12.19",
#   "gast==0.7.0",
#   "google-pasta==0.2.0",
#   "grpcio==1.85.1",
#   "h5py==3.14.0",
#   "idna==3.20",
#   "keras==3.15.1",
#   "libclang==18.1.1",
#   "markdown-it-py==4.3.0",
#   "mdurl==0.1.2",
#   "ml-dtypes==0.6.0",
#   "namex==0.1.0",
#   "numpy==2.4.6",
#   "opt-einsum==3.4.0",
#   "optree==0.20.0",
#   "packaging==26.3",
#   "pillow==13.0.0",
#   "protobuf==7.36.2",
#   "pydantic==2.14.3",
#   "pydantic-core==2.50.4",
#   "pygments==2.21.0",
#   "requests==2.34.2",
#   "rich==15.0.0",
#   "setuptools==84.2.1",
#   "six==1.17.0",
#   "tensorflow==2.21.0",
#   "termcolor==3.3.0",
#   "typing-extensions==4.16.0",
#   "typing-inspection==0.4.5",
#   "urllib3==2.8.0",
#   "wheel==0.48.0",
#   "wrapt==2.5.2",
# ]
# ///
"""The `lib_interpreter` reference on TensorFlow's own Interpreter: the same goldens, another runtime.

uv run --script python/references/interpreter_tensorflow.py request.json --out DIR
uv run --script python/references/interpreter_tensorflow.py tensors tensors.json --out DIR
"""

import sys

from interpreter import InterpreterEngine, main, tensors_main

if __name__ == "__main__":
    import tensorflow as tf
    from tensorflow.lite.python import interpreter as tflite

    NAME = "TensorFlow Lite Interpreter"
    if sys.argv[1:2] == ["tensors"]:
        tensors_main(sys.argv[2:], tflite, NAME, tf.__version__)
    else:
        main(lambda request: InterpreterEngine(request, tflite, NAME, tf.__version__), ("tensorflow",))
