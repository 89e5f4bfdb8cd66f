"""Everything that turns a trained model into an accelerator."""
