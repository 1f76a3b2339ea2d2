// Scheduling: being built.
