"""The budget: its account 收支平衡, money for clearance, guardrails, the medium-term plan.

The general public budget closes by itself: revenue, transfers, bond proceeds,
what was carried over and moved in on one side; expenditure, remittances,
principal and what is moved out on the other; the difference is carried over.
"""
