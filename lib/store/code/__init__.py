"""The code behind a number: a digest of the definitions that are reached from where its computation begins.

A module that is imported counts for nothing, a definition that is used counts wherever it stands. From the functions of
a study the names that a definition uses are followed, through imports, to the definitions that they stand for, and on:

- a class counts whole, with its bases and decorators; so do default arguments, constants, and classes that are only
  named by an annotation; so does what a package runs at its import that defines nothing;
- a module used as a value, or imported by a name that is computed, counts whole;
- a call `run_study("NAME")` counts the numbers of that study, one without a literal name those of every study;
- a registry (`lib.store.marks.registry`) counts by the entries that a row can use;
- what `lib.store.marks.machinery` marks runs and stores rows; it is not followed.

Methods need no rule of their own: an object comes from a class that something reached has named. The digest knows
neither names of modules nor import statements nor what a definition is called, so moving, splitting and renaming files
and renaming functions, classes and constants leave it as it is.
"""

from lib.store.code.digests import Code, code_of, digest_of, notebook_digest

__all__ = ["Code", "code_of", "digest_of", "notebook_digest"]
