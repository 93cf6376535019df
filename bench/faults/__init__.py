"""The fault matrix: every class of fault that agents are known for, crossed with requests, scored by what is so."""
