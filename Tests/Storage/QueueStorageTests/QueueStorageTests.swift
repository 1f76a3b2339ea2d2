import Testing

@testable import QueueStorage
