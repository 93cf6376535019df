"""How many sessions one gateway process holds, and what each costs it."""
