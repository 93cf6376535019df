"""All SQL. Every function takes the owner first: no query crosses owners, but for the relay's look at the outbox."""
