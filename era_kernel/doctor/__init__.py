"""What a VM needs here, checked: findings as data, for whoever shows them."""
