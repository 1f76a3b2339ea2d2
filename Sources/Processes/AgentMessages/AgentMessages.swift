// AgentMessages: being built.
