"""Rows of the library that several rooms read and write, and statements over many of them."""
