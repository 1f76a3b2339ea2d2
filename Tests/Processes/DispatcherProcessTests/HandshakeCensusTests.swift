import Configuration
import EventLoop
import LoopTesting
import MailSyntax
import Testing

@testable import DispatcherProcess

@Suite("Handshakes wait for their turn, fair to every client network") struct HandshakeCensusTests {
    /// Who was let in, in order.
    @EventLoopActor private final class Door {
        let census = HandshakeCensus()
        private(set) var admitted: [String] = []

        init(maximum: Int, perClient: Int) {
            var settings = SessionSettings()
            settings.maximumHandshakes = maximum
            settings.maximumHandshakesPerClient = perClient
            census.setLimits(settings)
        }

        func come(_ name: String, from address: IPAddress?) {
            spawn { [self] in
                await census.begin(address)
                admitted.append(name)
            }
        }

        /// Lets everybody go as far as they can.
        func settle() async {
            for _ in 0..<3 { await pause(until: .now()) }
        }
    }

    private static let (one, other) = (IPAddress.v4(1), IPAddress.v4(2))

    @Test func `as many as may go on, the next when one is over`() async throws {
        let admitted = try await onLoop {
            let door = Door(maximum: 2, perClient: 9)
            for name in ["a", "b", "c", "d"] {
                door.come(name, from: Self.one)
                await door.settle()
            }
            let before = door.admitted
            door.census.end(Self.one)
            await door.settle()
            return [before, door.admitted]
        }
        #expect(admitted == [["a", "b"], ["a", "b", "c"]])
    }

    @Test func `who wants too many keeps himself waiting and nobody else`() async throws {
        let admitted = try await onLoop {
            let door = Door(maximum: 3, perClient: 1)
            for (name, address) in [("a", Self.one), ("b", Self.one), ("c", Self.other), ("d", nil)] {
                door.come(name, from: address)
                await door.settle()
            }
            let before = door.admitted
            door.census.end(Self.other)
            await door.settle()
            let between = door.admitted
            door.census.end(Self.one)
            await door.settle()
            return [before, between, door.admitted]
        }
        #expect(admitted == [["a", "c", "d"], ["a", "c", "d"], ["a", "c", "d", "b"]])
    }

    @Test func `a limit that is raised lets in who waits, and none is below one`() async throws {
        let admitted = try await onLoop {
            let door = Door(maximum: 0, perClient: 0)
            for name in ["a", "b"] {
                door.come(name, from: Self.one)
                await door.settle()
            }
            let before = door.admitted
            door.census.setLimits(SessionSettings())
            await door.settle()
            return [before, door.admitted]
        }
        #expect(admitted == [["a"], ["a", "b"]])
    }
}
