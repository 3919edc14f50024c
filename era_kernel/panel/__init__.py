"""`%era status`: VMs as they are, live, with buttons. `model` knows what is shown and asked; `view` draws it."""
