"""What is owed: cash flows, ledgers, clearance, risk."""
