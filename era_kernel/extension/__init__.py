"""`%era` in an ordinary IPython notebook: `%load_ext era_kernel`."""
