"""What every launcher must do, shown with each of them."""
