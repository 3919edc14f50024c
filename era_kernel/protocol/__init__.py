"""The wire: frames, messages, credit."""
