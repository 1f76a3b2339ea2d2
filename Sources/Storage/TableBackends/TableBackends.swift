// TableBackends: being built.
