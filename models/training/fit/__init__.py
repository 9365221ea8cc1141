"""Training one network: its batches, its losses, its optimiser, and the command."""
