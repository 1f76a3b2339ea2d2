// Rules: being built.
