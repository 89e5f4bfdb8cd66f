"""The graphs in FINN: hardware layers that execute to golden's codes, FINN's own build of them,
and its streamlining of the exported files as an independent witness.

integers    program -> ONNX graph of integers, the form that streamlining aims at
attention   transformations: softmax attention and the product that makes masks
layout      transformation: channels last, as streams travel
hardware    the pipeline: the above and FINN's inference passes, names, what may not remain
ops         custom-op domain of the project, executed by the golden functions, and in HLS
check       execution beside golden
cppsim      the project's layers in HLS: FINN's domain, compiled for its C++ simulation
build       folder for FINN's dataflow build of a board
options     what the two command lines share
streamline  FINN's conversion and streamlining of the QONNX file, made a graph of integers too
witness     that graph beside Brevitas, and its hardware layers beside golden

Two ways lead to the same pipeline. From the exported file: FINN streamlines it, and transformations
of this project (`ports`, `softmax`) take the rest out of floats. That takes minutes a graph, and
thresholds that carry float32 scales may miss a step: one code of 294,912 in `nano`'s encoder. From
the program, in seconds: it holds the very integers that the hardware is made from, and this is the
way that is built and must equal golden to the bit. Either way all that FINN has layers for is
inferred by FINN's passes and executed by FINN's layers.

FINN's own layout passes are not used: after LowerConvsToMatMul StreamlinePlus never ends, and
layouts guessed beside reshapes leave a Shuffle at every fork. See `layout`.

finn is imported inside functions, and only in this package.
"""
