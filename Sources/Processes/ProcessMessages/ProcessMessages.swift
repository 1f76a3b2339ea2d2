// ProcessMessages: being built.
