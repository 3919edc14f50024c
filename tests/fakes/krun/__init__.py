"""A krunvm for machines without KVM: its contract, real images, real guests under QEMU. Stdlib only at run time."""
