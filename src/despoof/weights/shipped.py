"""The seals of the weights in the package; written by benchmarks/seal_weights.py.

A shipped name is loaded only with this seal: no exchanged file, setting or threshold goes by it.
"""

SEALS: dict[str, str] = {
    "ag-fas": "93f2b9eec8b58aa8260d5cbc82a6d0a12c8d5c73ee93b4f421864f3e73490cf6",
    "despoofing-diffusion": "391f968a2c921e021f835d21cd20486ff76dbf18cfa2bc4ac8eb2a0590fa81af",
    "face-despoofing": "7771727d45f9904187f4f86b8ed1dfa5546ca316d671884afae97567b8d13a51",
    "student": "293a076399c760947a09fc80d66112d5ac233e0c6e0ebf6106ec05b18bbb49ff",
    "texture": "98ccf91179c8e3244959cd6da6f72537961fc46c64b068f905f70d70f7d0749e",
    "two-views": "7891de34423ef49f5d20ed65eb171d3a4cf37fd9195d22b5cef945f5b0fe3f35",
}
