"""Templates: guests that were booted, made warm and saved once, from which VMs start in a fraction of a boot's time."""
