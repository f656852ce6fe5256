"""A scorer as a file that needs no torch: ONNX or OpenVINO, written only if it says the same.

`write` makes a folder, `scorer` runs one. Reading and running need numpy and onnxruntime (or
openvino) alone; only writing imports torch.
"""
