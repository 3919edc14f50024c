"""The command table: what `era vm …` is in a shell and `%era …` in a notebook, and what each command does."""
