"""A reader's own signal: how much of it can be had, and how much a back-test that fills every order invents."""
