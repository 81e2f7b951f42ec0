"""For managers: accounts, pools, stocks and numbers as resources."""
