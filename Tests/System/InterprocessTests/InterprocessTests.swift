import Testing

@testable import Interprocess
