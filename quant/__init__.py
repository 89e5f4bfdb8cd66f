"""Training, scoring and export of the quantized model (Brevitas). Imports hw.spec and host only."""
