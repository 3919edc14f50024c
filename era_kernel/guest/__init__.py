"""What runs in the guest: the agent (C sources and how to build them) and the language drivers."""
