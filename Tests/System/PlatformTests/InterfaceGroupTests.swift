import Testing

@testable import Platform

@Suite("Groups of interfaces (ip-link(8))") struct InterfaceGroupTests {
    private static let file = Array(
        """
        # device group names
        0\tdefault
        42  uplinks # where the world is
        0x2b hexadecimal
        x broken
        7
        8 two words

        """.utf8)

    @Test(arguments: [("default", 0), ("uplinks", 42), ("hexadecimal", 43)] as [(String, UInt32)])
    func `a name has its number`(_ name: String, _ number: UInt32) {
        #expect(InterfaceGroups.number(of: name, in: Self.file) == number)
    }

    @Test(arguments: ["", "broken", "two", "words", "#", "42", "nobody"])
    func `what is no name has none`(_ name: String) {
        #expect(InterfaceGroups.number(of: name, in: Self.file) == nil)
    }

    @Test func `a group that nobody has named is none`() throws {
        #expect(try InterfaceGroups.members(of: "no-such-group-\(UInt64.random(in: .min ... .max))") == nil)
    }
}
