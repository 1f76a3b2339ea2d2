import Testing

@testable import TableBackends
