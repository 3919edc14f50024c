"""What can be done with VMs: the only door for CLI, kernel and panel."""
