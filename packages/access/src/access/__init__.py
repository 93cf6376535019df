"""Who may enter: access tokens, the keys that prove them, and whether a service may be reached without any.

`access.settings` is what a service includes; `access.verifier` is what it then asks. What an identity may do is none of
its business: an owner has everything under one key, and nothing else.
"""
