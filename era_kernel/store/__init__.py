"""The registry of VMs."""
