"""The process that holds one VM."""
