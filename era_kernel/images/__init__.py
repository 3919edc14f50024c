"""From an OCI image to a disk, and the guest's kernel."""
