"""The parts of the python driver."""
