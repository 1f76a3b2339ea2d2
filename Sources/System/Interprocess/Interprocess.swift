// Interprocess: being built.
