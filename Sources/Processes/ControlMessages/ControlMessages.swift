// ControlMessages: being built.
