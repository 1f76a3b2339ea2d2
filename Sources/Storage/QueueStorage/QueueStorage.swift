// QueueStorage: being built.
