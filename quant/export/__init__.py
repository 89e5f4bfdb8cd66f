"""From a quantized model to files: QONNX graphs, test vectors and host tables."""
