"""How VMs are run: krunvm or QEMU."""
