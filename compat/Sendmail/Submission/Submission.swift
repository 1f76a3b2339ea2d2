// Submission: being built.
